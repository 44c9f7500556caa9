/** The route list as an OpenAPI 3.1 document; zod gives JSON Schema 2020-12 itself. */
import { z } from 'zod';
import { problemCodes } from '../errors.ts';
import type { AnyRoute } from './route.ts';

type Json = Record<string, unknown>;

const mediaTypes = { json: 'application/json', text: 'text/plain', html: 'text/html', empty: '' };

/** The document of `routes`; deterministic, so that it can be committed and compared. */
export function openApi(routes: readonly AnyRoute[], version: string): Json {
  const paths: Record<string, Json> = {};
  const shared: Record<string, Json> = {};
  for (const spec of routes) {
    const path = spec.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = {
      ...paths[path],
      [spec.method]: hoist(operation(spec), operationId(spec), shared),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Foyer',
      version,
      description:
        'Guest WiFi, visits and offers of one house. Errors are RFC 9457 problem documents whose `code` is stable.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((spec) => spec.tag))].toSorted().map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        device: { type: 'http', scheme: 'bearer', description: 'Token of one device.' },
        merchant: {
          type: 'http',
          scheme: 'bearer',
          description: 'API key with the scope named at the route.',
        },
      },
      schemas: { Problem: problemSchema(), ...shared },
      responses: {
        Problem: {
          description: 'What was wrong, as a problem document.',
          content: {
            'application/problem+json': {
              schema: { $ref: '#/components/schemas/Problem' },
              example: {
                type: 'urn:foyer:problem:not-found',
                title: 'There is nothing here',
                status: 404,
                code: 'not-found',
              },
            },
          },
        },
      },
    },
  };
}

function operation(spec: AnyRoute): Json {
  const access =
    spec.access === 'public'
      ? 'Open to everyone.'
      : spec.access === 'device'
        ? 'For a device token.'
        : `Needs the scope \`${spec.access}\`.`;
  return {
    operationId: operationId(spec),
    summary: spec.summary,
    description: [spec.description, access].filter(Boolean).join('\n\n'),
    tags: [spec.tag],
    security:
      spec.access === 'public' ? [] : [{ [spec.access === 'device' ? 'device' : 'merchant']: [] }],
    parameters: [...parameters(spec.params, 'path'), ...parameters(spec.query, 'query')],
    ...(spec.body
      ? {
          requestBody: {
            required: !spec.lenientBody && !spec.textBody,
            content: {
              'application/json': {
                schema: schemaOf(spec.body, 'input'),
                ...(spec.example.body === undefined ? {} : { example: spec.example.body }),
              },
            },
          },
        }
      : {}),
    responses: {
      [String(spec.status ?? 200)]: {
        description: 'Done.',
        ...(spec.status === 204 || spec.replyAs === 'empty'
          ? {}
          : {
              content: {
                [mediaTypes[spec.replyAs ?? 'json']]: {
                  schema: schemaOf(spec.reply, 'output'),
                  example: spec.example.reply,
                },
              },
            }),
      },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** Recursive schemas come with `$defs` of their own root; in one document they must live among the components. */
function hoist(part: Json, name: string, shared: Record<string, Json>): Json {
  let count = 0;
  const walk = (node: unknown, names: ReadonlyMap<string, string>): unknown => {
    if (Array.isArray(node)) return node.map((item) => walk(item, names));
    if (typeof node !== 'object' || node === null) return node;
    const { $defs, ...rest } = node as Json & { $defs?: Record<string, Json> };
    const inner = new Map(names);
    for (const key of Object.keys($defs ?? {})) {
      inner.set(`#/$defs/${key}`, `${name}Part${(count += 1)}`);
    }
    for (const [key, schema] of Object.entries($defs ?? {})) {
      shared[inner.get(`#/$defs/${key}`)!] = walk(schema, inner) as Json;
    }
    return Object.fromEntries(
      Object.entries(rest).map(([key, value]) => {
        const target = key === '$ref' && typeof value === 'string' ? inner.get(value) : undefined;
        return [key, target ? `#/components/schemas/${target}` : walk(value, inner)];
      }),
    );
  };
  return walk(part, new Map()) as Json;
}

function operationId(spec: AnyRoute): string {
  const words = spec.path.split(/[/:.-]+/).filter((word) => word !== '');
  return [spec.method, ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      description,
      schema: rest,
    };
  });
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

function problemSchema(): Json {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code'],
    properties: {
      type: { type: 'string', description: 'URN of the problem.' },
      title: { type: 'string', description: 'The same sentence for every occurrence.' },
      status: { type: 'integer', description: 'HTTP status.' },
      code: {
        type: 'string',
        description: 'Stable code to branch on.',
        enum: problemCodes().map(({ code }) => code),
      },
      detail: { type: 'string', description: 'A sentence for this occurrence.' },
      errors: {
        type: 'array',
        description: 'Which parts of the request were wrong.',
        items: {
          type: 'object',
          properties: {
            path: { type: 'string', description: 'Where, e.g. body.pings.0.lat.' },
            message: { type: 'string', description: 'What was wrong there.' },
          },
        },
      },
    },
  };
}
