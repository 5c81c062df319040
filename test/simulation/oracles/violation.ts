/** What an oracle says when a promise is broken. */
export interface Violation {
  oracle: string;
  message: string;
}
