/** `node aws.ts`, forked with an IPC channel: the AWS that the function speaks to. */
import { startAwsStub } from '../../../infra/local/aws-stub/aws-stub.ts';
import { apiKey } from '../api-key.ts';

const aws = await startAwsStub({ secret: { SecretString: apiKey } });
process.on('disconnect', () => process.exit());
process.send?.(aws.url);
