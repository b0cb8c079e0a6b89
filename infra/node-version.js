/**
 * Ends with a sentence on a Node that cannot run this project, before it trips over the first type. It is loaded before
 * all else (`node --import`), and is plain JavaScript, since such a Node reads nothing else.
 */
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `This needs Node 24, but runs on ${process.versions.node}. "npm ci" installs Node 24 here, unless you give it ` +
      '--ignore-scripts. Run "npm ci", then use npm or npx, as in "npx cdk deploy" or "npm start".',
  );
  process.exit(1);
}
