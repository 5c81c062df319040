/** Version of this build; `command-line.test.ts` holds it to package.json. */
export const VERSION = "0.1.0";
