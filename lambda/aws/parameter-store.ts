/** What we take of the client for Parameter Store, loaded when it is first needed, as dynamodb.ts is. */
export { paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
