/** The fence editor in a real browser: what is drawn with the mouse comes back from the API. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeGateway } from '../support/make.ts';
import { makeShop, openBrowser, openPage } from '../support/browser.ts';
import type { OpenPage, Shop } from '../support/browser.ts';
import { partPresent, requirePart } from '../support/parts.ts';

interface Fence {
  id: string;
  name: string;
  kind: string;
  geometry: { type: string; coordinates: unknown };
  radius: number | null;
  width: number | null;
  direction: string | null;
  members: string[] | null;
  radio: string[] | null;
  hours: { timezone: string; week: number[][][] } | null;
  datum: string;
  version: number;
}

type Point = readonly [number, number];

const browserPart = requirePart('chromium', partPresent.chromium);

browserPart('the fence editor', () => {
  let app: TestApp;
  let browser: Browser;
  let shop: Shop;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    app = await startApp();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  afterEach(async () => {
    await opened?.page.context().close();
    expect(opened?.complaints ?? []).toEqual([]);
    opened = undefined;
  });

  const editor = async (): Promise<Page> => {
    shop = await makeShop(app);
    opened = await openPage(browser, app, shop);
    await opened.page.goto(`${app.url}/console/fences`);
    return opened.page;
  };
  const stored = async (): Promise<Fence[]> => {
    const response = await fetch(`${app.url}/v1/fences`, { headers: shop.headers });
    expect(response.status).toBe(200);
    return ((await response.json()) as { fences: Fence[] }).fences;
  };
  /** Clicks in the map, given from its top left corner. */
  const click = async (page: Page, points: readonly Point[]): Promise<void> => {
    const box = (await page.locator('.map').boundingBox())!;
    for (const [x, y] of points) {
      await page.mouse.move(box.x + x, box.y + y, { steps: 3 });
      await page.mouse.click(box.x + x, box.y + y);
    }
  };
  const drag = async (page: Page, [from, to]: readonly [Point, Point]): Promise<void> => {
    const box = (await page.locator('.map').boundingBox())!;
    await page.mouse.move(box.x + from[0], box.y + from[1]);
    await page.mouse.down();
    await page.mouse.move(box.x + to[0], box.y + to[1], { steps: 6 });
    await page.mouse.up();
  };
  const save = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('button', { name: 'Save fence' }).click();
    await page.getByText(`“${name}” is saved.`).waitFor();
  };
  const corners: Point[] = [
    [200, 300],
    [400, 300],
    [400, 450],
    [200, 450],
  ];
  const drawSquare = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('button', { name: 'Draw shape' }).click();
    await click(page, [...corners, corners[0]!]);
    await page.getByLabel('Name', { exact: true }).fill(name);
    await save(page, name);
  };

  browserPart.test('a polygon drawn by mouse is stored as GeoJSON', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    const [fence] = await stored();
    expect(fence).toMatchObject({ name: 'Shoes', radius: null, geometry: { type: 'Polygon' } });
    const [ring] = fence!.geometry.coordinates as Point[][];
    expect(ring).toHaveLength(5);
    expect(ring![0]).toEqual(ring![4]);
    const [nw, ne, se] = ring as [Point, Point, Point];
    // Longitude first, and the sides where they were drawn.
    expect(nw[0]).toBeCloseTo(120.0757, 1);
    expect(ne[0]).toBeGreaterThan(nw[0]);
    expect(ne[1]).toBeCloseTo(nw[1], 6);
    expect(se[1]).toBeLessThan(ne[1]);
    // It is on the map again after a reload.
    await page.reload();
    await page.getByRole('button', { name: /^Shoes/ }).waitFor();
    expect(await page.locator('.map path.fence').count()).toBe(1);
  });

  browserPart.test('a dragged corner makes a new version; the others stay', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    const before = (await stored())[0]!;
    await drag(page, [corners[2]!, [480, 520]]);
    await page.getByText('unsaved').waitFor();
    await save(page, 'Shoes');
    const after = (await stored())[0]!;
    const ring = (fence: Fence): Point[] => (fence.geometry.coordinates as Point[][])[0]!;
    const moved = ring(after).filter(
      ([lon, lat]) => !ring(before).some((old) => old[0] === lon && old[1] === lat),
    );
    expect(moved).toHaveLength(1);
    expect(moved[0]![1]).toBeLessThan(ring(before)[2]![1]);
    expect(after.version).toBe(before.version + 1);
  });

  browserPart.test('a circle keeps its radius in metres and can be moved', async () => {
    const page = await editor();
    await page.getByRole('button', { name: 'Draw circle' }).click();
    await click(page, [
      [300, 350],
      [360, 350],
    ]);
    await page.getByLabel('Name', { exact: true }).fill('Fountain');
    await save(page, 'Fountain');
    const before = (await stored())[0]!;
    expect(before.geometry.type).toBe('Point');
    expect(before.radius).toBeGreaterThan(3);
    await page.getByRole('button', { name: 'Move' }).click();
    await drag(page, [
      [300, 350],
      [420, 350],
    ]);
    await save(page, 'Fountain');
    const after = (await stored())[0]!;
    const [lon] = after.geometry.coordinates as [number];
    expect(lon).toBeGreaterThan((before.geometry.coordinates as [number])[0]);
    expect(after.radius).toBe(before.radius);
  });

  browserPart.test('a part can be cut out', async () => {
    const page = await editor();
    await drawSquare(page, 'Ring');
    await page.getByRole('button', { name: 'Cut out' }).click();
    const hole: Point[] = [
      [260, 340],
      [330, 340],
      [330, 400],
      [260, 400],
    ];
    await click(page, [...hole, hole[0]!]);
    await save(page, 'Ring');
    expect((await stored())[0]!.geometry.coordinates).toHaveLength(2);
  });

  browserPart.test('corners can be typed instead of drawn, and nonsense is refused', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    await page.getByText('Type the shape').click();
    const text = page.getByLabel('Corners');
    const before = await text.inputValue();
    await text.fill('here and there');
    await text.blur();
    await page.getByText('Line 1 is not').waitFor();
    const moved = before
      .split('\n')
      .map((line) => line.replace(/, (\S+)/, (_, lat: string) => `, ${Number(lat) + 0.001}`));
    await text.fill(moved.join('\n'));
    await text.blur();
    await save(page, 'Shoes');
    const [ring] = (await stored())[0]!.geometry.coordinates as Point[][];
    expect(ring![0]![1]).toBeCloseTo(Number(before.split(/[\n,]/)[1]) + 0.001, 6);
  });

  browserPart.test('what the API refuses is told beside the map and nothing is lost', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    await page.getByText('Type the shape').click();
    const text = page.getByLabel('Corners');
    const lines = (await text.inputValue()).split('\n');
    const far = lines[3]!.replace(/[^ ]+$/, (lat) =>
      String(Number((Number(lat) - 0.0005).toFixed(7))),
    );
    const crossed = [lines[0], lines[2], lines[1], far].join('\n');
    await text.fill(crossed);
    await text.blur();
    await page.getByRole('button', { name: 'Save fence' }).click();
    await page.locator('.note.bad').waitFor();
    expect(await page.locator('.note.bad').innerText()).toMatch(/cross|self/i);
    expect(await text.inputValue()).toBe(crossed);
    // The draft is still there after a reload, and is said to be.
    page.on('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await page.getByText('1 unsaved fence from before was kept.').waitFor();
    await page.getByRole('button', { name: /^Shoes/ }).click();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    expect(await page.getByText('unsaved', { exact: true }).count()).toBe(0);
  });

  browserPart.test('deleting asks for the name', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    await page.getByText('Delete this fence').click();
    await page.locator('#fence-confirm').fill('Boots');
    await page.getByRole('button', { name: 'Delete fence' }).click();
    await page.getByText('Nothing was deleted').waitFor();
    expect(await stored()).toHaveLength(1);
    await page.locator('#fence-confirm').fill('Shoes');
    await page.getByRole('button', { name: 'Delete fence' }).click();
    await page.getByText('“Shoes” is deleted.').waitFor();
    expect(await stored()).toEqual([]);
  });

  browserPart.test(
    'a corridor is a line with a width, changed by its handles and its field',
    async () => {
      const page = await editor();
      await page.getByRole('button', { name: 'Draw corridor' }).click();
      const line: Point[] = [
        [150, 400],
        [350, 400],
        [450, 500],
      ];
      await click(page, [...line, line[2]!]);
      await page.getByLabel('Name', { exact: true }).fill('Passage');
      const thickness = async (): Promise<number> =>
        Number(
          await page.evaluate(
            "Number.parseFloat(getComputedStyle(document.querySelector('.map path.fence--corridor')).strokeWidth)",
          ),
        );
      const drawnWidth = await thickness();
      await page.getByLabel('Width (metres)').fill('8');
      expect((await thickness()) / drawnWidth).toBeCloseTo(2, 1);
      await save(page, 'Passage');
      const before = (await stored())[0]!;
      expect(before).toMatchObject({
        kind: 'corridor',
        width: 8,
        geometry: { type: 'LineString' },
      });
      expect(before.geometry.coordinates).toHaveLength(3);
      await drag(page, [line[1]!, [350, 460]]);
      await save(page, 'Passage');
      const after = (await stored())[0]!;
      const [, middle] = after.geometry.coordinates as Point[];
      expect(middle![1]).toBeLessThan((before.geometry.coordinates as Point[])[1]![1]);
      expect(after.version).toBe(before.version + 1);
    },
  );

  browserPart.test('a tripwire shows which way counts', async () => {
    const page = await editor();
    await page.getByRole('button', { name: 'Draw tripwire' }).click();
    const line: Point[] = [
      [200, 400],
      [400, 400],
    ];
    await click(page, [...line, line[1]!]);
    await page.getByLabel('Name', { exact: true }).fill('Door');
    const arrow = page.locator('.map-arrow');
    const heads = await arrow.locator('path').getAttribute('d');
    await page.getByLabel('Which way counts').selectOption('left');
    expect(await arrow.locator('path').getAttribute('d')).not.toBe(heads);
    // The line runs to the right on the screen: to its left is up.
    expect(await arrow.getAttribute('style')).toContain('rotate(90deg)');
    expect(await page.getByLabel('Shortest stay that counts (minutes)').isVisible()).toBe(false);
    await save(page, 'Door');
    expect((await stored())[0]).toMatchObject({ kind: 'tripwire', direction: 'left' });
  });

  browserPart.test('a set of signals is typed and ticked; a wrong line is named', async () => {
    const page = await editor();
    const gateway = await makeGateway(app.db, shop.merchantId, shop.storeId, { name: 'atrium' });
    await page.reload();
    await page.getByRole('button', { name: 'Add signals' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Lift');
    await page.getByLabel('atrium').check();
    const points = page.getByLabel('WiFi access points (BSSID)');
    await points.fill('3C-84-6A-12-9F-01\nhere');
    await points.blur();
    await page.getByText('Access points, line 2').waitFor();
    await points.fill('3C-84-6A-12-9F-01');
    await points.blur();
    await save(page, 'Lift');
    expect((await stored())[0]).toMatchObject({
      kind: 'radio',
      geometry: null,
      radio: [`gateway:${gateway.id}`, 'bssid:3c:84:6a:12:9f:01'],
    });
  });

  browserPart.test('a group is made of ticked fences, with hours', async () => {
    const page = await editor();
    await drawSquare(page, 'Shoes');
    await page.getByRole('button', { name: 'Add group' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Fashion');
    await page.getByLabel('Shoes', { exact: false }).check();
    await page.getByText('Opening hours').click();
    await page.getByLabel('Open only at these hours').check();
    await page.getByLabel('Monday').fill('9-12:30, 14:00–18:00');
    await page.getByLabel('Monday').blur();
    await save(page, 'Fashion');
    const fences = await stored();
    const shoes = fences.find(({ name }) => name === 'Shoes')!;
    expect(fences.find(({ name }) => name === 'Fashion')).toMatchObject({
      kind: 'composite',
      members: [shoes.id],
      hours: {
        timezone: 'Asia/Shanghai',
        week: [
          [
            [540, 750],
            [840, 1080],
          ],
          [],
          [],
          [],
          [],
          [],
          [],
        ],
      },
    });
    // Its member lights up on the map, and cannot go while it is part of the group.
    expect(await page.locator('.map path.fence--member').count()).toBe(1);
    await page.getByRole('button', { name: /Shoes/ }).click();
    await page.getByText('Delete this fence').click();
    await page.locator('#fence-confirm').fill('Shoes');
    await page.getByRole('button', { name: 'Delete fence' }).click();
    await page.getByText('This fence is part of “Fashion”').waitFor();
    expect(await stored()).toHaveLength(2);
  });

  browserPart.test(
    'corners from a Chinese map are put right and shown as they were typed',
    async () => {
      const page = await editor();
      await drawSquare(page, 'Shoes');
      const [before] = (await stored())[0]!.geometry.coordinates as Point[][];
      await page.getByText('Type the shape').click();
      const text = page.getByLabel('Corners');
      const typed = await text.inputValue();
      await page.locator('#fence-datum').selectOption('gcj02');
      await save(page, 'Shoes');
      const after = (await stored())[0]!;
      expect(after.datum).toBe('gcj02');
      const [ring] = after.geometry.coordinates as Point[][];
      // In Hangzhou the shift is some 460 m to the east.
      expect((before![0]![0] - ring![0]![0]) * 96_000).toBeCloseTo(460, -2);
      expect(await text.inputValue()).toBe(typed);
    },
  );

  browserPart.test('a small fence is saved with a warning', async () => {
    const page = await editor();
    await page.getByRole('button', { name: 'Draw circle' }).click();
    await click(page, [
      [300, 350],
      [330, 350],
    ]);
    await page.getByLabel('Name', { exact: true }).fill('Shelf');
    await page.getByLabel('Radius (metres)').fill('4');
    await save(page, 'Shelf');
    await page.locator('.note.warn').getByText('smaller than positions are exact').waitFor();
  });

  const point = { type: 'Point', coordinates: [120.0757, 30.2931] };
  const importFile = async (page: Page, name: string, mimeType: string, content: string) => {
    await page.locator('summary', { hasText: 'Import' }).click();
    const buffer = Buffer.from(content);
    await page.locator('[data-part="import-file"]').setInputFiles({ name, mimeType, buffer });
    await page.getByRole('button', { name: 'Import fences' }).click();
  };

  browserPart.test('imports GeoJSON whole or not at all, and exports it again', async () => {
    const page = await editor();
    const kiosk = { type: 'Feature', properties: { name: 'Kiosk', radius: 18 }, geometry: point };
    const odd = { type: 'Feature', properties: { name: 'No radius' }, geometry: point };
    const collection = (...features: object[]) =>
      JSON.stringify({ type: 'FeatureCollection', features });
    await importFile(page, 'mall.geojson', 'application/geo+json', collection(kiosk, odd));
    await page.getByText('Nothing was imported.').waitFor();
    expect(await page.locator('.note.bad').innerText()).toContain(
      'Shape 2: A circle needs a radius',
    );
    expect(await stored()).toEqual([]);
    await importFile(page, 'mall.geojson', 'application/geo+json', collection(kiosk));
    await page.getByText('1 fence came in from the file.').waitFor();
    await page.getByRole('button', { name: /Kiosk/ }).waitFor();
    expect((await stored())[0]).toMatchObject({ name: 'Kiosk', radius: 18, geometry: point });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('[data-part="export"]').click(),
    ]);
    expect(download.suggestedFilename()).toBe(`fences-${shop.slug}.geojson`);
  });

  browserPart.test('imports KML', async () => {
    const page = await editor();
    const corner = (dx: number, dy: number) => `${120.0757 + dx},${30.2931 + dy},0`;
    const ring = [
      corner(0, 0),
      corner(0.0005, 0),
      corner(0.0005, 0.0005),
      corner(0, 0.0005),
      corner(0, 0),
    ];
    const kml = `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
      <Placemark><name>Hall</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
      ${ring.join(' ')}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>
      </Document></kml>`;
    await importFile(page, 'mall.kml', 'application/vnd.google-earth.kml+xml', kml);
    await page.getByText('1 fence came in from the file.').waitFor();
    expect((await stored())[0]).toMatchObject({ name: 'Hall', kind: 'area' });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    browserPart.test(`has nothing for axe to complain about (${colorScheme})`, async () => {
      const page = await editor();
      await page.emulateMedia({ colorScheme });
      await drawSquare(page, 'Shoes');
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    });
  }
});
