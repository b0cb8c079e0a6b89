/**
 * DynamoDB's client, which a plain cancel does not need. `import()` of this file loads it when it is first needed;
 * `import()` of the package would put all of it into the bundle.
 */
export { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
