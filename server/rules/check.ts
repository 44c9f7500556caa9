/** PURE. What the schema cannot see: unknown fields, wrong operators, values of the wrong type. */
import { fieldOf, nearestField } from './fields.ts';
import type { FactValue, Field, Trigger } from './fields.ts';
import type { Condition, Definition, Leaf } from './schema.ts';

/** One thing wrong with a definition and where it stands. */
export interface Complaint {
  path: string;
  message: string;
}

const LISTS = new Set(['in', 'not_in', 'between']);
const PRESENCE = new Set(['known', 'unknown']);
const JSON_TYPE: Record<Field['type'], 'number' | 'boolean' | 'string'> = {
  number: 'number',
  boolean: 'boolean',
  text: 'string',
  choice: 'string',
  id: 'string',
};
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Everything wrong with a definition that has the right shape; empty when it can be used. */
export function checkDefinition(definition: Definition): Complaint[] {
  const { trigger, scope, when, minBand } = definition;
  const complaints: Complaint[] = [];
  if (trigger === 'guest.admitted' && scope.fenceId !== undefined) {
    complaints.push({
      path: 'scope.fenceId',
      message: 'A WiFi login has no fence; use the store, or a visit event.',
    });
  }
  if (trigger === 'guest.admitted' && minBand !== 'none') {
    complaints.push({ path: 'minBand', message: 'A WiFi login has no visit to be sure of.' });
  }
  if (when) checkTree(when, 'when', trigger, complaints);
  return complaints;
}

function checkTree(node: Condition, path: string, trigger: Trigger, into: Complaint[]): void {
  if ('not' in node) checkTree(node.not, `${path}.not`, trigger, into);
  else if ('field' in node) into.push(...checkLeaf(node, path, trigger));
  else {
    const [name, children] = 'all' in node ? ['all', node.all] : ['any', node.any];
    children.forEach((child, i) => checkTree(child, `${path}.${name}.${i}`, trigger, into));
  }
}

function checkLeaf(leaf: Leaf, path: string, trigger: Trigger): Complaint[] {
  const field = fieldOf(leaf.field);
  if (!field) {
    const near = nearestField(leaf.field);
    const hint = near ? ` Did you mean ${near}?` : '';
    return [{ path: `${path}.field`, message: `There is no field ${leaf.field}.${hint}` }];
  }
  if (!field.triggers.includes(trigger)) {
    const where = field.triggers.join(', ');
    const message = `${leaf.field} is never known on ${trigger}, only on ${where}.`;
    return [{ path: `${path}.field`, message }];
  }
  if (!field.operators.includes(leaf.op)) {
    const may = field.operators.join(', ');
    const message = `${leaf.field} is a ${field.type} and does not take ${leaf.op}, only ${may}.`;
    return [{ path: `${path}.op`, message }];
  }
  const message = valueComplaint(leaf, field);
  return message ? [{ path: `${path}.value`, message }] : [];
}

function valueComplaint({ op, value, field: name }: Leaf, field: Field): string | undefined {
  if (PRESENCE.has(op)) return value === undefined ? undefined : `${op} takes no value.`;
  if (value === undefined) return `${op} needs a value.`;
  if (LISTS.has(op) !== Array.isArray(value)) {
    return LISTS.has(op) ? `${op} needs a list of values.` : `${op} takes one value, not a list.`;
  }
  const values = Array.isArray(value) ? value : [value];
  for (const each of values) {
    const wrong = scalarComplaint(each, name, field);
    if (wrong) return wrong;
  }
  if (op === 'between' && (values.length !== 2 || values[0]! > values[1]!)) {
    return 'between needs two values, the lower one first.';
  }
  return undefined;
}

function scalarComplaint(value: FactValue, name: string, field: Field): string | undefined {
  const wanted = JSON_TYPE[field.type];
  if (typeof value !== wanted) {
    return `${name} is a ${field.type}: ${JSON.stringify(value)} is a ${typeof value}, not a ${wanted}.`;
  }
  if (field.choices && !field.choices.includes(value as string)) {
    return `${name} is one of ${field.choices.join(', ')}.`;
  }
  if (field.type === 'id' && !UUID.test(value as string)) return `${name} needs an id (UUID).`;
  return undefined;
}
