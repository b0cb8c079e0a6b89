import { createServer, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type BedrockSigner, signatureProblem, signedRegion } from './bedrock-signature.ts';
import type { Answer } from './endpoints.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { CustomizationJob } from './simulated-customization-job.ts';
import { type Fault, respond } from './simulator.ts';

/** An ARN contains a slash, which must be encoded. */
const routes = [
  ['ListModelCustomizationJobs', /^GET \/model-customization-jobs$/],
  ['GetModelCustomizationJob', /^GET \/model-customization-jobs\/([^/]+)$/],
  ['StopModelCustomizationJob', /^POST \/model-customization-jobs\/([^/]+)\/stop$/],
  ['ListTagsForResource', /^POST \/listTagsForResource$/],
] as const;

/** A request that reached the simulator, in the order of arrival. */
export interface CustomizationCall {
  operation: (typeof routes)[number][0] | 'unknown';
  /** The ARN of the job, decoded; undefined for a list. */
  jobIdentifier: string | undefined;
  /** The region that the call is signed for. Jobs of other regions are invisible to it. */
  region: string;
  url: URL;
  headers: IncomingHttpHeaders;
  /** When it arrived, in milliseconds of the process's clock. */
  at: number;
}

export type CustomizationSimulator = Awaited<ReturnType<typeof startCustomizationSimulator>>;

/** The HTTP status of each error that Bedrock's control plane documents, and of an unknown operation. */
const errorStatuses = {
  AccessDeniedException: 403,
  ConflictException: 400,
  InternalServerException: 500,
  ResourceNotFoundException: 404,
  ThrottlingException: 429,
  UnknownOperationException: 404,
  ValidationException: 400,
};

/**
 * Starts a simulator of Bedrock's four calls for model customization jobs on loopback, with signatures and errors. Set
 * `endpoint` or `AWS_ENDPOINT_URL_BEDROCK` to its `url`.
 */
export async function startCustomizationSimulator({
  jobs = [],
  bedrockSigner,
}: {
  jobs?: Iterable<CustomizationJob>;
  bedrockSigner?: BedrockSigner;
} = {}) {
  const state = {
    /** By ARN, which contains the region. */
    jobs: new Map([...jobs].map((job) => [job.jobArn, job])),
    /** Whose signatures are accepted; undefined takes any signature that is well formed and fresh. */
    bedrockSigner,
    calls: [] as CustomizationCall[],
    /** Called for each call; undefined lets it through. */
    faultFor: (_call: CustomizationCall): Fault | undefined => undefined,
  };
  const server = createServer(async (request, response) => {
    const at = performance.now();
    const body = await buffer(request).catch(() => undefined);
    // The client disconnected.
    if (!body) return;
    const { method, headers } = request;
    const url = new URL(request.url ?? '/', 'http://simulator');
    const [operation, pattern] = routes.find(([, route]) => route.test(`${method} ${url.pathname}`)) ?? [];
    const inPath = pattern?.exec(`${method} ${url.pathname}`)?.[1];
    const inBody = operation === 'ListTagsForResource' ? JSON.parse(body.toString()).resourceARN : undefined;
    const jobIdentifier = inPath === undefined ? inBody : decodeURIComponent(inPath);
    const region = signedRegion(headers.authorization);
    const call: CustomizationCall = { operation: operation ?? 'unknown', jobIdentifier, region, url, headers, at };
    state.calls.push(call);
    await respond(response, state.faultFor(call), () => {
      const problem = signatureProblem({ request, body }, 'bedrock', state.bedrockSigner);
      return problem ? awsError(403, problem.type, problem.message) : answerTo(call, state.jobs);
    });
  });
  const { url, close } = await listenOnLoopback(server);
  return Object.assign(state, { url, [Symbol.asyncDispose]: close });
}

/** Returns an error in the format of Bedrock's control plane, for instance for a fault. */
export function customizationError(type: keyof typeof errorStatuses, message: string): Answer {
  return awsError(errorStatuses[type], type, message);
}

function awsError(status: number, type: string, message: string): Answer {
  // The SDK cuts the type off at the colon.
  const headers = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` };
  return { status, body: { message }, headers };
}

/** Carries out an authorized call. */
function answerTo(
  { operation, jobIdentifier, region, url }: CustomizationCall,
  jobs: Map<string, CustomizationJob>,
): Answer {
  const isHere = ({ jobArn }: CustomizationJob) => jobArn.split(':')[3] === region;
  if (operation === 'unknown') return customizationError('UnknownOperationException', `Unknown: ${url.pathname}`);
  if (operation === 'ListModelCustomizationJobs') return listJobs(url.searchParams, [...jobs.values()].filter(isHere));
  const job = jobs.get(jobIdentifier ?? '');
  if (!job || !isHere(job)) return customizationError('ResourceNotFoundException', `There is no ${jobIdentifier}.`);
  const { tags, ...fields } = job;
  if (operation === 'GetModelCustomizationJob') return { status: 200, body: fields };
  if (operation === 'ListTagsForResource') {
    return { status: 200, body: { tags: Object.entries(tags).map(([key, value]) => ({ key, value })) } };
  }
  if (job.status !== 'InProgress') {
    return customizationError('ConflictException', `The job cannot be stopped: its status is ${job.status}.`);
  }
  job.status = 'Stopping';
  return { status: 200, body: '' };
}

/** The only list parameters that the function sends. Other values are invalid. */
const listParameters: Record<string, RegExp> = {
  statusEquals: /^(InProgress|Stopping)$/,
  sortBy: /^CreationTime$/,
  sortOrder: /^Descending$/,
  maxResults: /^([1-9]\d{0,2}|1000)$/,
  nextToken: / arn:/,
};

/** Returns a page of jobs, newest first. A token is the position of the last job of a page, so jobs may change meanwhile. */
function listJobs(query: URLSearchParams, jobs: CustomizationJob[]): Answer {
  for (const [name, value] of query) {
    if (listParameters[name]?.test(value)) continue;
    return customizationError('ValidationException', `Value '${value}' at '${name}' failed to satisfy constraint.`);
  }
  const status = query.get('statusEquals');
  const before = query.get('nextToken');
  const rest = jobs
    .map(({ tags: _, ...summary }) => ({ summary, place: `${summary.creationTime} ${summary.jobArn}` }))
    .filter(({ summary, place }) => summary.status === (status ?? summary.status) && (!before || place < before))
    .sort((one, other) => (one.place < other.place ? 1 : -1));
  const page = rest.slice(0, Number(query.get('maxResults') ?? 100));
  return {
    status: 200,
    body: {
      modelCustomizationJobSummaries: page.map(({ summary }) => summary),
      ...(page.length < rest.length && { nextToken: page.at(-1)?.place }),
    },
  };
}
