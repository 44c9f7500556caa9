/** The fence editor in a real browser: what is drawn with the mouse comes back from the API. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { makeShop, openBrowser, openPage } from '../support/browser.ts';
import type { OpenPage, Shop } from '../support/browser.ts';
import { partPresent, requirePart } from '../support/parts.ts';

interface Fence {
  id: string;
  name: string;
  geometry: { type: string; coordinates: unknown };
  radius: number | null;
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

  browserPart.test('imports GeoJSON, circle included, and exports it again', async () => {
    const page = await editor();
    const point = { type: 'Point', coordinates: [120.0757, 30.2931] };
    const collection = {
      type: 'FeatureCollection',
      features: [
        { type: 'Feature', properties: { name: 'Kiosk', radius: 8 }, geometry: point },
        { type: 'Feature', properties: { name: 'No radius' }, geometry: point },
      ],
    };
    await page.locator('[data-part="import"]').setInputFiles({
      name: 'mall.geojson',
      mimeType: 'application/geo+json',
      buffer: Buffer.from(JSON.stringify(collection)),
    });
    await page.getByText('1 entry was no fence and was left out.').waitFor();
    await save(page, 'Kiosk');
    expect((await stored())[0]).toMatchObject({ name: 'Kiosk', radius: 8, geometry: point });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('[data-part="export"]').click(),
    ]);
    expect(download.suggestedFilename()).toBe(`fences-${shop.slug}.geojson`);
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
