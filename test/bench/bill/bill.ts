import type { CountedMonth } from './month.ts';
import prices from './prices.json' with { type: 'json' };

/** One line of a bill. */
interface Item {
  what: string;
  amount: number;
  unit: string;
  dollars: number;
}

const { dollars: price } = prices;
/** As the stack keeps its log by default: 90 days. */
const monthsKept = 3;

/** What a deployment costs in a month, without free tiers. */
export function billOf({ stack, secrets, month }: CountedMonth): Item[] {
  const gigabyteSeconds = (month.milliseconds / 1000) * (stack.memoryMegabytes / 1024);
  const logGigabytes = month.logBytes / 1e9;
  const item = (what: string, amount: number, unit: string, each: number): Item => ({
    what,
    amount,
    unit,
    dollars: amount * each,
  });
  return [
    item('Lambda, duration', gigabyteSeconds, 'GB-s', price.lambdaGigabyteSecond),
    item('Lambda, requests', month.sweeps, '', price.lambdaRequest),
    item('secrets', secrets, '', price.secretMonth),
    item('reads of secrets', month.secretReads, '', price.secretRead),
    item('log, taken in', logGigabytes, 'GB', price.logGigabyteTakenIn),
    item('log, kept for 90 days', logGigabytes * monthsKept, 'GB-months', price.logGigabyteMonthKept),
    item('events', month.events, '', price.event),
    item('table, rows read', month.rowsRead, '', price.tableRowRead),
    item('table, rows written', month.rowsWritten, '', price.tableRowWritten),
    item('sent to the providers', month.bytesSent / 1e9, 'GB', price.gigabyteSentToInternet),
    item('metrics', stack.metrics, '', price.metricMonth),
    item('alarms', stack.alarms, '', price.alarmMonth),
    item('dashboard', stack.dashboards, '', price.dashboardMonth),
  ];
}

/** Its sum. */
export function sumOf(items: Item[]): number {
  return items.reduce((sum, { dollars }) => sum + dollars, 0);
}

/** As dollars, in as many digits as it takes to see that it is not nothing. */
export function inDollars(dollars: number): string {
  if (dollars >= 100) return `$${dollars.toLocaleString('en', { maximumFractionDigits: 0 })}`;
  return `$${dollars >= 0.005 || dollars === 0 ? dollars.toFixed(2) : dollars.toPrecision(1)}`;
}

/** The bills of several deployments side by side, as a table. */
export function billTable(months: CountedMonth[]): string {
  const bills = months.map(billOf);
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const cell = ({ amount, unit, dollars }: Item) =>
    `${amount.toLocaleString('en', { maximumSignificantDigits: 3 })} ${unit}`.trim() +
    `: ${inDollars(dollars)}`;
  const lines = (bills[0] ?? []).map(({ what }) =>
    row([
      what,
      ...bills.map((bill) =>
        bill
          .filter((item) => item.what === what)
          .map(cell)
          .join(),
      ),
    ]),
  );
  return [
    `The bill of a month (${prices.source}):`,
    '',
    row([
      'what',
      ...months.map(({ projects }) => `${projects.toLocaleString('en')} project${projects === 1 ? '' : 's'}`),
    ]),
    row(['---', ...months.map(() => '---')]),
    ...lines,
    row(['**all**', ...bills.map((bill) => `**${inDollars(sumOf(bill))}**`)]),
  ].join('\n');
}
