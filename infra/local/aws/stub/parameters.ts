import { faring, type Health, type Operation, ok, type StubAnswer } from './answer.ts';

/** The parameters of SSM Parameter Store. */
export interface ParametersStub {
  /** Values by whole name, as in `/path/0000`. */
  parameters: Map<string, string>;
  /** How often a page of them was read. */
  parameterReads: number;
  parameterStore: Health;
}

/** The most that AWS puts on a page. */
const pageSize = 10;

export function parametersOperations(stub: ParametersStub): Record<string, Operation> {
  const operations = faring(() => stub.parameterStore, {
    'AmazonSSM.GetParametersByPath': (request) => getParametersByPath(stub, JSON.parse(request)),
  });
  return {
    'AmazonSSM.GetParametersByPath': (request) => {
      stub.parameterReads += 1;
      return operations['AmazonSSM.GetParametersByPath']?.(request);
    },
  };
}

interface GetParametersByPath {
  Path: string;
  MaxResults?: number;
  NextToken?: string;
}

function getParametersByPath(
  { parameters }: ParametersStub,
  { Path, MaxResults = pageSize, NextToken = '0' }: GetParametersByPath,
): StubAnswer {
  const start = Number(NextToken);
  const end = start + Math.min(MaxResults, pageSize);
  const below = [...parameters].filter(([name]) => name.startsWith(`${Path.replace(/\/$/, '')}/`));
  const Parameters = below.slice(start, end).map(([Name, Value]) => ({ Name, Value, Type: 'String' }));
  return ok({ Parameters, ...(end < below.length && { NextToken: String(end) }) });
}
