/**
 * The parts of the AWS SDK that a plain cancel does not need. `import()` of this file loads them when they are first
 * needed; `import()` of the packages would put all of them into the bundle.
 */
export { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
export { paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
