/** DynamoDB's client, loaded on first use. `import()` of the package itself would bundle all of it. */
export { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
