/** A branch as the engine behind it must hold it. */
export interface PhysicalBranch {
  branchId: string;
  roles: PhysicalRole[];
  /** `id` is unique over all branches and stays with the database when it is renamed. */
  databases: PhysicalDatabase[];
}

interface PhysicalRole {
  name: string;
  /** Every password that is good at this moment; none where the role may not log in. */
  passwords: string[];
}

export interface PhysicalDatabase {
  id: number;
  name: string;
  owner: string;
  /** The database to copy when this one does not exist yet; empty when absent. */
  copyOf?: { id: number; schemaOnly: boolean };
}

/** What a connection to an endpoint may reach at this moment. */
export interface Connectable {
  branch: PhysicalBranch;
  disabled: boolean;
}

/** The Postgres behind Neon's branches. Every call is idempotent, so that a killed sandbox heals by calling again. */
export interface PostgresDataPlane {
  /** Host and port that connection URIs name. */
  readonly host: string;
  readonly port: number;
  /** Gives the proxy its view of the control plane. */
  attach(find: (endpointId: string) => Connectable | undefined): void;
  /** Makes roles and databases of the branch exist as described; databases it does not list are left alone. */
  ensure(branch: PhysicalBranch): Promise<void>;
  /** Drops databases by id; unknown ids are fine. */
  drop(databaseIds: readonly number[]): Promise<void>;
  /** Ends every session in these databases. */
  disconnect(databaseIds: readonly number[]): Promise<void>;
  /** Gives a role's objects in these databases to each database's owner. */
  dropRole(role: string, databases: readonly PhysicalDatabase[]): Promise<void>;
  /** Drops every database of earlier runs whose id is not among these. */
  retain(databaseIds: readonly number[]): Promise<void>;
}
