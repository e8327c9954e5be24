/** A drawing as an image, for the pages that show a picture beside a link. */
import { errnoOf } from '../errors.ts';
import { pictureSize } from '../report/html/picture.ts';

type Painter = (svg: string) => Uint8Array;

/** What to install for it. */
export const painterPackage = '@resvg/resvg-js@2';

export const importPainter = () => import('@resvg/resvg-js');

/** Draws SVG as PNG; null where the library that does it is not installed. */
export async function loadPainter(load: typeof importPainter): Promise<Painter | null> {
  try {
    const { Resvg } = await load();
    const fitTo = { mode: 'width', value: pictureSize.width } as const;
    return (svg) => new Resvg(svg, { fitTo }).render().asPng();
  } catch (error) {
    if (errnoOf(error) === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}
