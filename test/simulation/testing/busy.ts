/** Keeps a core busy until it is killed. */
process.on("disconnect", () => process.exit());
setInterval(() => {
  const end = performance.now() + 50;
  while (performance.now() < end);
}, 51);
