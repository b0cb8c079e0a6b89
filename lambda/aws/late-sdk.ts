/** DynamoDB's client, loaded when it is first needed. `import()` of the package would put all of it into the bundle. */
export { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
