// Runs in every test worker. A worker on an older Node would fail far from the cause (node:sqlite, type stripping).
const major = Number.parseInt(process.versions.node, 10);
if (major < 24) {
  throw new Error(`tests need Node 24 or newer and run on ${process.version}; start them with "npm test"`);
}
