/** `node sweep.ts BASE_URL`, forked with an IPC channel: sweeps once, and tells the peak of its memory, in bytes. */
import { startCurfew } from '../../curfew.ts';
import { SilentLogger } from '../silent-logger.ts';

const [, , openaiBaseUrl = ''] = process.argv;
await using curfew = await startCurfew({ settings: { openaiBaseUrl }, logger: new SilentLogger() });
const { complete, cancelled } = await curfew.sweep({ lookbackDays: 0 });
const { maxRSS } = process.resourceUsage();
process.send?.({ complete, cancelled, peakBytes: maxRSS * 1024 });
process.disconnect?.();
