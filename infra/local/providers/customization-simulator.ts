import { createServer, type IncomingHttpHeaders } from 'node:http';
import { unescape as percentDecode } from 'node:querystring';
import { type BedrockSigner, signatureProblem, signedRegion } from './bedrock-signature.ts';
import type { Answer } from './endpoints.ts';
import { listenOnLoopback, readBody } from './loopback-server.ts';
import type { CustomizationJob } from './simulated-customization-job.ts';
import { type Fault, respond } from './simulator.ts';

/** A request that reached the simulator, in the order of arrival. */
export interface CustomizationCall {
  operation:
    | 'ListModelCustomizationJobs'
    | 'GetModelCustomizationJob'
    | 'StopModelCustomizationJob'
    | 'ListTagsForResource'
    | 'unknown';
  /** The ARN or name of the job, decoded; undefined for a list. */
  jobIdentifier: string | undefined;
  /** The region that the call is signed for. Jobs of other regions are not seen. */
  region: string;
  url: URL;
  headers: IncomingHttpHeaders;
  /** When it arrived, in milliseconds of the process's clock. */
  at: number;
}

export interface CustomizationSimulator extends AsyncDisposable {
  /** What `endpoint` or `AWS_ENDPOINT_URL_BEDROCK` has to be. */
  url: string;
  /** By ARN. Their regions are those in their ARNs. */
  jobs: Map<string, CustomizationJob>;
  /** Whose signatures are accepted; undefined takes any signature that is well formed and fresh. */
  bedrockSigner: BedrockSigner | undefined;
  /** Whether a job that is stopped is `Stopped` at once, instead of `Stopping`. */
  stopsAtOnce: boolean;
  calls: CustomizationCall[];
  /** Called for each call; undefined lets it through. */
  faultFor: (call: CustomizationCall) => Fault | undefined;
}

export interface CustomizationSimulatorOptions {
  jobs?: Iterable<CustomizationJob>;
  bedrockSigner?: BedrockSigner;
  /** `false` by default. */
  stopsAtOnce?: boolean;
}

/** The status of each error that Bedrock's control plane documents, and of an operation that it does not know. */
const errorStatuses = {
  AccessDeniedException: 403,
  ConflictException: 400,
  InternalServerException: 500,
  ResourceNotFoundException: 404,
  ThrottlingException: 429,
  UnknownOperationException: 404,
  ValidationException: 400,
};

/** Starts Bedrock's four calls for model customization jobs on loopback, with its signatures and its errors. */
export async function startCustomizationSimulator({
  jobs = [],
  bedrockSigner,
  stopsAtOnce = false,
}: CustomizationSimulatorOptions = {}): Promise<CustomizationSimulator> {
  const state = {
    jobs: new Map([...jobs].map((job) => [job.jobArn, job])),
    bedrockSigner,
    stopsAtOnce,
    calls: [] as CustomizationCall[],
    faultFor: (_call: CustomizationCall): Fault | undefined => undefined,
  };
  const server = createServer(async (request, response) => {
    const at = performance.now();
    const body = await readBody(request);
    const url = new URL(request.url ?? '/', 'http://simulator');
    const { headers } = request;
    const region = signedRegion(headers.authorization);
    const call = { ...toOperation(request.method ?? 'GET', url, body), region, url, headers, at };
    simulator.calls.push(call);
    await respond(response, simulator.faultFor(call), () => {
      const problem = signatureProblem({ request, body }, 'bedrock', simulator.bedrockSigner);
      return problem ? awsError(403, problem.type, problem.message) : answerTo(call, simulator);
    });
  });
  const listening = await listenOnLoopback(server);
  const simulator: CustomizationSimulator = Object.assign(state, {
    url: listening.url,
    [Symbol.asyncDispose]: listening.close,
  });
  return simulator;
}

/** Returns an error as Bedrock's control plane gives it, for instance to be sent by a fault. */
export function customizationError(type: keyof typeof errorStatuses, message: string): Answer {
  return awsError(errorStatuses[type], type, message);
}

function awsError(status: number, type: string, message: string): Answer {
  // The SDK cuts the type off at the colon.
  const headers = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` };
  return { status, body: { message }, headers };
}

type Operation = Pick<CustomizationCall, 'operation' | 'jobIdentifier'>;

function toOperation(method: string, { pathname }: URL, body: Buffer): Operation {
  const [, root, job, action, ...more] = pathname.split('/');
  // An ARN holds a slash, which must arrive encoded.
  const jobIdentifier = job === undefined ? undefined : percentDecode(job);
  const route = [method, root, job && '{job}', action, ...more].filter((part) => part !== undefined).join('/');
  switch (route) {
    case 'GET/model-customization-jobs':
      return { operation: 'ListModelCustomizationJobs', jobIdentifier };
    case 'GET/model-customization-jobs/{job}':
      return { operation: 'GetModelCustomizationJob', jobIdentifier };
    case 'POST/model-customization-jobs/{job}/stop':
      return { operation: 'StopModelCustomizationJob', jobIdentifier };
    case 'POST/listTagsForResource':
      return { operation: 'ListTagsForResource', jobIdentifier: resourceArn(body) };
  }
  return { operation: 'unknown', jobIdentifier };
}

function resourceArn(body: Buffer): string | undefined {
  try {
    const { resourceARN } = JSON.parse(body.toString());
    return typeof resourceARN === 'string' ? resourceARN : undefined;
  } catch {
    return undefined;
  }
}

const identifierPattern =
  /^(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:\d{12}:[a-z-]+\/[\w.:/-]+|[a-zA-Z0-9](-*[a-zA-Z0-9+.])*)$/;

function answerTo({ operation, jobIdentifier, region, url }: CustomizationCall, simulator: CustomizationSimulator) {
  if (operation === 'unknown') return customizationError('UnknownOperationException', `Unknown: ${url.pathname}`);
  const jobs = [...simulator.jobs.values()].filter(({ jobArn }) => jobArn.split(':')[3] === region);
  if (operation === 'ListModelCustomizationJobs') return listJobs(url.searchParams, jobs);
  const identifier = jobIdentifier ?? '';
  const isForTags = operation === 'ListTagsForResource';
  if (!identifierPattern.test(identifier) || (isForTags && !identifier.startsWith('arn:'))) {
    return invalid(isForTags ? 'resourceARN' : 'jobIdentifier', identifier);
  }
  const job = jobs.find(({ jobArn, jobName }) => [jobArn, jobName].includes(identifier));
  if (!job) return customizationError('ResourceNotFoundException', `Could not find ${identifier}.`);
  const { tags, ...fields } = job;
  if (operation === 'StopModelCustomizationJob') return stopJob(job, simulator.stopsAtOnce);
  if (!isForTags) return { status: 200, body: fields };
  return { status: 200, body: { tags: Object.entries(tags).map(([key, value]) => ({ key, value })) } };
}

function stopJob(job: CustomizationJob, stopsAtOnce: boolean): Answer {
  if (job.status !== 'InProgress') {
    return customizationError('ConflictException', `The job cannot be stopped: its status is ${job.status}.`);
  }
  const now = new Date().toISOString();
  job.status = stopsAtOnce ? 'Stopped' : 'Stopping';
  job.lastModifiedTime = now;
  if (stopsAtOnce) job.endTime = now;
  const training = job.statusDetails?.trainingDetails;
  if (training?.status === 'InProgress') Object.assign(training, { status: job.status, lastModifiedTime: now });
  return { status: 200, body: '' };
}

const allowedValues: Record<string, string[]> = {
  statusEquals: ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped'],
  sortBy: ['CreationTime'],
  sortOrder: ['Ascending', 'Descending'],
};
const maxPageSize = 1_000;

/** A page of summaries. A token is the place of the last job of the page before, so jobs may change in between. */
function listJobs(query: URLSearchParams, jobs: CustomizationJob[]): Answer {
  for (const [name, allowed] of Object.entries(allowedValues)) {
    const value = query.get(name) ?? '';
    if (query.has(name) && !allowed.includes(value)) return invalid(name, value);
  }
  const pageSize = Number(query.get('maxResults') ?? 100);
  if (!(pageSize >= 1 && pageSize <= maxPageSize)) return invalid('maxResults', `${pageSize}`);
  const token = query.get('nextToken');
  const place = Buffer.from(token ?? '', 'base64').toString();
  if (token !== null && !place.includes(' arn:')) return invalid('nextToken', token);

  const status = query.get('statusEquals');
  const [after, before] = ['creationTimeAfter', 'creationTimeBefore'].map((name) => query.get(name));
  const matching = jobs.filter(
    (job) =>
      (status === null || job.status === status) &&
      job.jobName.includes(query.get('nameContains') ?? '') &&
      (!after || Date.parse(job.creationTime) > Date.parse(after)) &&
      (!before || Date.parse(job.creationTime) < Date.parse(before)),
  );
  const direction = query.get('sortOrder') === 'Ascending' ? 1 : -1;
  const compare = (one: string, other: string) => direction * (one < other ? -1 : Number(one > other));
  const rest = matching
    .map((job) => ({ job, place: `${job.creationTime} ${job.jobArn}` }))
    .filter((entry) => token === null || compare(entry.place, place) > 0)
    .sort((one, other) => compare(one.place, other.place));
  const page = rest.slice(0, pageSize);
  const last = page.at(-1);
  return {
    status: 200,
    body: {
      modelCustomizationJobSummaries: page.map(({ job }) => toSummary(job)),
      ...(last && rest.length > pageSize && { nextToken: Buffer.from(last.place).toString('base64') }),
    },
  };
}

function toSummary(job: CustomizationJob) {
  const { jobArn, jobName, baseModelArn, status, statusDetails, creationTime, lastModifiedTime, endTime } = job;
  return {
    ...{ jobArn, jobName, baseModelArn, status, statusDetails, creationTime, lastModifiedTime, endTime },
    customModelArn: job.outputModelArn,
    customModelName: job.outputModelName,
    customizationType: job.customizationType,
  };
}

function invalid(name: string, value: string): Answer {
  return customizationError('ValidationException', `Value '${value}' at '${name}' failed to satisfy constraint.`);
}
