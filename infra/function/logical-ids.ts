import { createHash } from 'node:crypto';
import { CfnResource, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Pins the logical ids of what has a name or holds data, so a construct can be moved to another place in our code and
 * an upgrade still replaces nothing. CloudFormation would create the new one before it deletes the old one, and fail
 * since the name is taken.
 *
 * @param curfew the construct below which the ids are unique.
 * @param resources each with the path below `curfew` that its id is made of, as CDK makes ids.
 */
export function pinLogicalIds(curfew: IConstruct, resources: Readonly<Record<string, IConstruct>>): void {
  const { scopes } = curfew.node;
  const inStack = scopes.slice(scopes.indexOf(Stack.of(curfew)) + 1).map(({ node }) => node.id);
  for (const [path, resource] of Object.entries(resources)) {
    const child = resource.node.defaultChild ?? resource;
    if (!CfnResource.isCfnResource(child)) throw new Error(`${resource.node.path} is no resource`);
    child.overrideLogicalId(logicalId([...inStack, ...path.split('/'), 'Resource']));
  }
}

function logicalId(path: readonly string[]): string {
  const named = path.filter((id) => id !== 'Default');
  const hash = createHash('md5').update(named.join('/')).digest('hex').slice(0, 8).toUpperCase();
  const readable = named
    .filter((id, index) => id !== 'Resource' && !named[index - 1]?.endsWith(id))
    .map((id) => id.replaceAll(/[^A-Za-z0-9]/g, ''));
  return readable.join('').slice(0, 240) + hash;
}
