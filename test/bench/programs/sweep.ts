/** `node sweep.ts BASE_URL`, forked with an IPC channel: sweeps once, and tells the peak of its memory, in bytes. */
import { startFunction } from '../function-under-test.ts';

const [, , openaiBaseUrl = ''] = process.argv;
await using curfew = await startFunction(openaiBaseUrl);
await curfew.invoke({ sweep: { lookbackDays: 0 } });
process.send?.(process.resourceUsage().maxRSS * 1024);
