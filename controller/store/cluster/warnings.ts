/** `Warning` headers, with which an API server says what is deprecated or was ignored. */

/**
 * The texts of `299` warnings.
 * @see https://www.rfc-editor.org/rfc/rfc7234#section-5.5
 */
export function warningTexts(header: string | string[] | undefined): string[] {
  const lines = header === undefined ? [] : [header].flat();
  return lines.flatMap((line) =>
    [...line.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
      text.replaceAll(/\\(.)/g, "$1"),
    ),
  );
}
