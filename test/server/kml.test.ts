/** KML from map tools: what becomes of it, and what is refused before it is read. */
import { describe, expect, test } from '@jest/globals';
import { parseFences } from '../../geo/geojson.ts';
import { MAX_KML, readKml } from '../../server/fences/kml.ts';

const kml = (body: string, head = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>${body}</Document></kml>`;
const mark = (inside: string, id = 'p'): string => `<Placemark id="${id}">${inside}</Placemark>`;
const data = (values: Record<string, string>): string =>
  `<ExtendedData>${Object.entries(values)
    .map(([name, value]) => `<Data name="${name}"><value>${value}</value></Data>`)
    .join('')}</ExtendedData>`;
const ring = (coordinates: string): string =>
  `<LinearRing><coordinates>${coordinates}</coordinates></LinearRing>`;
const polygon = (outer: string, ...holes: string[]): string =>
  `<Polygon><outerBoundaryIs>${ring(outer)}</outerBoundaryIs>${holes
    .map((hole) => `<innerBoundaryIs>${ring(hole)}</innerBoundaryIs>`)
    .join('')}</Polygon>`;
const SHOP = '8,47,0 8.001,47,0 8.001,47.001,0 8,47.001,0 8,47,0';
const HOLE = '8.0002,47.0002 8.0004,47.0002 8.0004,47.0004 8.0002,47.0002';
const AWAY = '8.01,47 8.011,47 8.011,47.001 8.01,47';

function features(text: string) {
  const result = readKml(text);
  if (!result.ok) throw new Error(result.message);
  return result.collection.features;
}

describe('read', () => {
  test('a polygon with a hole, its name, and what the extended data say of a fence', () => {
    const styled = `<name>Caf\u00e9 &amp; Bar</name><styleUrl>#x</styleUrl><description><![CDATA[<b onclick="x()">hi</b>]]></description>`;
    const said = {
      floor: '2',
      minDwellSeconds: '90',
      radio: 'qr:1, bssid:AA-BB-CC-DD-EE-FF',
      other: 'x',
    };
    const text = kml(mark(styled + data(said) + polygon(SHOP, HOLE)), '<!-- made by hand -->');
    expect(features(text)).toMatchObject([
      {
        id: 'p',
        geometry: { type: 'Polygon' },
        properties: {
          name: 'Café & Bar',
          floor: '2',
          minDwellSeconds: 90,
          radio: ['qr:1', 'bssid:AA-BB-CC-DD-EE-FF'],
        },
      },
    ]);
    expect(Object.keys(features(text)[0]!.properties).toSorted()).toEqual([
      'floor',
      'minDwellSeconds',
      'name',
      'radio',
    ]);
    const parsed = parseFences({ type: 'FeatureCollection', features: features(text) });
    expect(parsed.refused).toEqual([]);
    expect(parsed.fences[0]).toMatchObject({
      name: 'Café & Bar',
      radio: ['qr:1', 'bssid:aa:bb:cc:dd:ee:ff'],
    });
  });

  test('points with a radius, lines with a width or a direction', () => {
    const point = '<Point><coordinates>8,47</coordinates></Point>';
    const line = '<LineString><coordinates>8,47 8.01,47</coordinates></LineString>';
    const body =
      mark(data({ radius: '25' }) + point, 'a') +
      mark(data({ width: '8' }) + line, 'b') +
      mark(data({ direction: 'left' }) + line, 'c') +
      mark(line, 'd');
    const parsed = parseFences({ type: 'FeatureCollection', features: features(kml(body)) });
    expect(parsed.fences.map((f) => f.shape.type)).toEqual(['Circle', 'Corridor', 'Tripwire']);
    expect(parsed.refused).toMatchObject([{ id: 'd', code: 'bare-line' }]);
  });

  test('a multigeometry of polygons is one multipolygon; a mixed one is several', () => {
    const point = '<Point><coordinates>8,47</coordinates></Point>';
    const multi = (inside: string): string => `<MultiGeometry>${inside}</MultiGeometry>`;
    expect(features(kml(mark(multi(polygon(SHOP) + polygon(AWAY)))))).toMatchObject([
      { id: 'p', geometry: { type: 'MultiPolygon' } },
    ]);
    expect(features(kml(mark(multi(polygon(SHOP)))))).toMatchObject([
      { id: 'p', geometry: { type: 'Polygon' } },
    ]);
    expect(features(kml(mark(multi(polygon(SHOP) + point))))).toMatchObject([
      { id: 'p-1', geometry: { type: 'Polygon' } },
      { id: 'p-2', geometry: { type: 'Point' } },
    ]);
  });

  test.each([
    ['written', ' '],
    ['as references', '&#32;'],
  ])('a great gap between two positions is a gap, %s', (_, space) => {
    const gap = space.repeat(Math.floor(1_900_000 / space.length));
    const line = `<LineString><coordinates> 8,47${gap}8.001,47 </coordinates></LineString>`;
    const [feature] = features(kml(mark(line)));
    expect(feature?.geometry).toEqual({
      type: 'LineString',
      coordinates: [
        [8, 47],
        [8.001, 47],
      ],
    });
  });

  test('pictures on the ground are left out; folders and a byte order mark do not matter', () => {
    const picture =
      '<GroundOverlay><Icon><href>x.png</href></Icon><LatLonBox><north>1</north><south>0</south><east>1</east><west>0</west></LatLonBox></GroundOverlay>';
    const text = `\uFEFF${kml(`<Folder><Folder>${mark(polygon(SHOP))}</Folder></Folder>${picture}`)}`;
    expect(features(text)).toHaveLength(1);
  });

  test('names from the file cannot reach into the object', () => {
    const body = mark(data({ __proto__x: '1', constructor: 'x', toString: 'y' }) + polygon(SHOP));
    const hostile = body.replace('__proto__x', '__proto__');
    expect(features(kml(hostile))[0]?.properties).toEqual({});
  });
});

describe('refused', () => {
  const laughs = `<!DOCTYPE kml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>`;
  test.each([
    ['kml-too-large', 'x'.repeat(MAX_KML + 1)],
    ['kml-too-large', kml('<Placemark/>'.repeat(40_001))],
    ['kml-forbidden', kml(mark('<name>&b;</name>'), laughs)],
    ['kml-forbidden', kml('', '<!DOCTYPE kml SYSTEM "file:///etc/passwd">')],
    ['kml-forbidden', kml('<!ENTITY x "y">')],
    ['kml-forbidden', kml('<!doctype html>')],
    ['kml-too-deep', kml('<Folder>'.repeat(64) + '</Folder>'.repeat(64))],
    ['kml-too-deep', '<a>'.repeat(100_000)],
    ['kml-broken', kml('<Placemark>')],
    ['kml-broken', kml(mark('<name>&nothing;</name>'))],
    ['kml-broken', kml('<!-- never ends')],
    ['kml-broken', kml('<Placemark id="never ends')],
    ['kml-broken', '<'.repeat(1_000_000)],
    ['kml-broken', ''],
    ['kml-broken', 'just text'],
    ['kml-no-kml', '<gpx><wpt/></gpx>'],
    ['kml-no-kml', '<html><body/></html>'],
  ])('%s', (code, text) => {
    const result = readKml(text);
    expect(result).toMatchObject({ ok: false, code });
    if (!result.ok) expect(result.message.length).toBeGreaterThan(20);
  });

  test('a mark inside a comment, a section or a quoted value is only text', () => {
    const body = mark(`<!-- <!DOCTYPE x> --><name><![CDATA[<!ENTITY a>]]></name>${polygon(SHOP)}`);
    expect(features(kml(body))).toMatchObject([{ properties: { name: '<!ENTITY a>' } }]);
    expect(features(kml(`<Folder id="a>b">${mark(polygon(SHOP))}</Folder>`))).toHaveLength(1);
  });
});
