/** An answer of Neon's error shape `{request_id, code, message}`; `code` is often empty, as on the real API. */
export class NeonError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: {
    status: number;
    message: string;
    code?: string;
    headers?: Readonly<Record<string, string>>;
  }) {
    super(options.message);
    this.name = "NeonError";
    this.status = options.status;
    this.code = options.code ?? "";
    this.headers = options.headers ?? {};
  }
}

/** 404 for `project`, `branch`, `endpoint`, `role`, `database`, `operation`. */
export function notFound(kind: string): NeonError {
  return new NeonError({ status: 404, message: `${kind} not found` });
}

/** 400 with a message that names the field. */
export function badRequest(message: string): NeonError {
  return new NeonError({ status: 400, message });
}

/** 422: well-formed, but the world does not allow it. */
export function unprocessable(message: string, code = ""): NeonError {
  return new NeonError({ status: 422, message, code });
}

/** 409: the name is taken. */
export function conflict(message: string, code = ""): NeonError {
  return new NeonError({ status: 409, message, code });
}

/** 423 of a project whose operations still run; the text that Neon's own test client matches on. */
export function locked(): NeonError {
  return new NeonError({
    status: 423,
    message: "project already has running conflicting operations, scheduling of new ones is prohibited",
  });
}
