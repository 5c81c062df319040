/** Key of the Namespace type. */
export const NAMESPACE_KEY = "/namespaces";

/** Namespaces that exist from the start and cannot be deleted, as in a cluster. */
export const STANDING_NAMESPACES: readonly string[] = ["default", "kube-system"];
