/** The API document and a page to read it, served without any outside asset. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Router } from 'express';

const folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Foyer API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>The same document as JSON: <a href="/openapi.json">/openapi.json</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });\n`;

/** Mounts /openapi.json and /docs. */
export function mountDocs(router: Router, document: () => Record<string, unknown>): void {
  let json: string | undefined;
  router.get('/openapi.json', (_request, response) => {
    json ??= JSON.stringify(document());
    response.type('application/json').send(json);
  });
  router.get('/docs', (_request, response) => {
    // Swagger UI sets style attributes and shows data: icons; everything else stays closed.
    response.set(
      'Content-Security-Policy',
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    response.type('html').send(page);
  });
  router.get('/docs/start.js', (_request, response) => {
    response.type('js').send(start);
  });
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(`/docs/${file}`, (_request, response) => {
      response.sendFile(file, { root: folder, maxAge: '1d' });
    });
  }
}
