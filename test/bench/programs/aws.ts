/** `node aws.ts`, forked with an IPC channel: the AWS that the function speaks to. */
import { startAwsStub } from '../../../infra/local/aws-stub.ts';
import { apiKey } from '../../support/curfew.ts';

const aws = await startAwsStub({ SecretString: apiKey });
process.on('disconnect', () => process.exit());
process.send?.(aws.url);
