/**
 * As much of DynamoDB's expressions as the function uses. Whatever else they may hold is refused, so an expression
 * that the stub takes means at DynamoDB what it means here.
 */

type Value = string | number;

/** What an expression speaks about: the row as it is, and what its `#names` and `:values` stand for. */
export interface Operands {
  attributes: Record<string, Value>;
  names: Record<string, string>;
  values: Record<string, Value>;
}

/**
 * Whether a condition holds: `attribute_exists(a)`, `attribute_not_exists(a)`, and comparisons `a < :v`, joined by `AND`,
 * which binds first, and `OR`. No condition always holds.
 *
 * @throws Error for any other expression.
 */
export function conditionHolds(condition: string | undefined, operands: Operands): boolean {
  if (condition === undefined) return true;
  return condition
    .split(/\s+OR\s+/)
    .some((alternative) => alternative.split(/\s+AND\s+/).every((term) => termHolds(term.trim(), operands)));
}

function termHolds(term: string, operands: Operands): boolean {
  const [, test, tested] = /^(attribute_exists|attribute_not_exists)\s*\(\s*([#\w]+)\s*\)$/.exec(term) ?? [];
  if (test !== undefined && tested !== undefined) {
    return nameOf(tested, operands) in operands.attributes === (test === 'attribute_exists');
  }
  const [, compared, operator, value] = /^([#\w]+)\s*(<>|<=|>=|=|<|>)\s*(:\w+)$/.exec(term) ?? [];
  if (compared === undefined || value === undefined) throw new Error(`The stub knows no condition "${term}".`);
  const left = operands.attributes[nameOf(compared, operands)];
  const right = literal(value, operands);
  // As at DynamoDB, an attribute that is absent equals nothing, and compares with nothing.
  if (operator === '<>') return left !== right;
  if (left === undefined || typeof left !== typeof right) return false;
  if (operator === '=') return left === right;
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

/**
 * The attributes after `SET a = :v, …` and `REMOVE a, …`.
 *
 * @throws Error for any other expression.
 */
export function updated(update: string, operands: Operands): Record<string, Value> {
  const attributes = { ...operands.attributes };
  const clauses = update.trim().split(/\s*\b(?=(?:SET|REMOVE)\s)/);
  for (const clause of clauses) {
    const [, verb, list = ''] = /^(SET|REMOVE)\s+(.+)$/s.exec(clause) ?? [];
    for (const action of list.split(',').map((text) => text.trim())) {
      const [, name, value] = /^([#\w]+)(?:\s*=\s*(:\w+))?$/.exec(action) ?? [];
      if (name !== undefined && verb === 'SET' && value !== undefined) {
        attributes[nameOf(name, operands)] = literal(value, operands);
      } else if (name !== undefined && verb === 'REMOVE' && value === undefined) {
        delete attributes[nameOf(name, operands)];
      } else {
        throw new Error(`The stub knows no update "${clause}".`);
      }
    }
  }
  return attributes;
}

function nameOf(text: string, { names }: Operands): string {
  if (!text.startsWith('#')) return text;
  const name = names[text];
  if (name === undefined) throw new Error(`${text} stands for no attribute.`);
  return name;
}

function literal(text: string, { values }: Operands): Value {
  const value = values[text];
  if (value === undefined) throw new Error(`${text} stands for no value.`);
  return value;
}
