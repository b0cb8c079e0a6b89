/**
 * Exits with a clear message if this Node is too old for the project. It is loaded first (`node --import`), and is plain
 * JavaScript, because an old Node cannot parse the rest.
 */
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `This needs Node 24, but runs on ${process.versions.node}. "npm ci" installs Node 24 here, unless you give it ` +
      '--ignore-scripts. Run "npm ci", then use npm or npx, as in "npx cdk deploy" or "npm start".',
  );
  process.exit(1);
}
