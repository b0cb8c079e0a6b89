/**
 * What we take of the client for DynamoDB. It is loaded when it is first needed, by `import()` of this file: that of the
 * package itself would put all of it into the bundle.
 */
export { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
