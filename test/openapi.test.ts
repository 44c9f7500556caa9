/** Rules over the whole API document. */
import { describe, expect, test } from '@jest/globals';
import { allRoutes } from '../scripts/lib/routes.ts';
import { openApi } from '../server/http/openapi.ts';

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters: { name: string; description?: string }[];
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
  responses: Record<
    string,
    { $ref?: string; content?: Record<string, { schema: Schema; example?: unknown }> }
  >;
}

const document = openApi(allRoutes(), '0.0.0') as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

/** Paths of properties that have no description, however deep. */
function undescribed(schema: Schema, at = ''): string[] {
  const inner = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
      ...(property.description ? [] : [`${at}.${name}`]),
      ...undescribed(property, `${at}.${name}`),
    ]),
    ...inner.flatMap((part) => undescribed(part, at)),
  ];
}

describe('the API document', () => {
  test('operation ids are unique', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  test.each(operations)('$name', ({ operation }) => {
    expect(operation.summary.length).toBeGreaterThan(5);
    expect(operation.tags).toHaveLength(1);
    expect(operation.responses['default']?.$ref).toBe('#/components/responses/Problem');
    expect(operation.parameters.filter((parameter) => !parameter.description)).toEqual([]);
    const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap(
      (part) => Object.values(part?.content ?? {}),
    );
    expect(contents.flatMap(({ schema }) => undescribed(schema))).toEqual([]);
    expect(contents.filter(({ example }) => example === undefined)).toEqual([]);
  });
});
