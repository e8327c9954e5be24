/** What a recipe gave before; otherwise it is made by one process alone, in a folder of its own. */
import { holdBuildLock, type WaitEvent } from './build-lock.ts';
import { findArtefact, makeWorkFolder, type Artefact, type ImageCache } from './image-cache.ts';

/** @param make saves the artefact; what else it leaves in the folder is removed */
export async function findOrMake(
  cache: ImageCache,
  recipe: string,
  onEvent: ((event: WaitEvent) => void) | undefined,
  make: (folder: string) => Promise<Artefact>,
): Promise<Artefact> {
  const before = await findArtefact(cache, recipe);
  if (before !== undefined) return before;
  await using _lock = await holdBuildLock(cache, onEvent);
  // Whoever had the lock may have made it.
  const meanwhile = await findArtefact(cache, recipe);
  if (meanwhile !== undefined) return meanwhile;
  await using work = await makeWorkFolder(cache);
  return await make(work.path);
}
