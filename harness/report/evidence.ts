/** The texts that a guest left behind, cut to the size that a page can carry. */
import type { Result } from '../store/result.ts';

/** Texts of one result. All of them may come from a hostile guest. */
export type EvidenceTexts = Readonly<{
  /** The exact QEMU command. */
  qemuCommand?: string;
  /** Last lines of the guest's console. */
  console?: string;
  /** Outputs of the wasm host. */
  stdout?: string;
  stderr?: string;
}>;

/** By `evidenceKey`. */
export type EvidenceByCell = ReadonlyMap<string, EvidenceTexts>;

export const evidenceKey = ({ id, repetition }: Pick<Result, 'id' | 'repetition'>): string =>
  `${id}#${repetition}`;

/** Its folder, beside the run. Null where the path is not one that the store makes: results may come from others. */
export const evidenceFolder = ({ evidence }: Pick<Result, 'evidence'>): string | null =>
  evidence !== null && /^evidence\/[\w.-]+$/.test(evidence) ? evidence : null;

type Shown = Readonly<{ name: keyof EvidenceTexts; title: string; keep: 'start' | 'end'; limit: number }>;

/** In the order shown. A tail says how something ended; a command is read from its start. */
export const shownTexts: readonly Shown[] = [
  { name: 'qemuCommand', title: 'QEMU command', keep: 'start', limit: 8000 },
  { name: 'stderr', title: 'Standard error of the wasm host', keep: 'end', limit: 4000 },
  { name: 'stdout', title: 'Standard output of the wasm host', keep: 'end', limit: 3000 },
  { name: 'console', title: "Guest's console", keep: 'end', limit: 4000 },
];

/** All evidence of a page, characters: the page stays below its 8 MB whatever the guests wrote. */
const evidenceBudget = 1_500_000;

/** The part that is shown; ten megabytes cost what the limit costs. */
export function cutText(text: string, { keep, limit }: Pick<Shown, 'keep' | 'limit'>): string {
  if (text.length <= limit) return text;
  const note = `[${text.length - limit} characters left out]`;
  return keep === 'start' ? `${text.slice(0, limit)}\n${note}` : `${note}\n${text.slice(-limit)}`;
}

/**
 * Shares the budget in the order of the keys: those that need it most come first.
 * @returns texts cut, none where the budget is spent
 */
export function shareBudget(
  keys: readonly string[],
  evidence: EvidenceByCell,
  budget = evidenceBudget,
): EvidenceByCell {
  const shared = new Map<string, EvidenceTexts>();
  let left = budget;
  for (const key of keys) {
    const texts = evidence.get(key);
    if (texts === undefined) continue;
    const cut: Record<string, string> = {};
    for (const shown of shownTexts) {
      const text = texts[shown.name];
      if (text !== undefined && text.trim() !== '') cut[shown.name] = cutText(text, shown);
    }
    const size = Object.values(cut).reduce((sum, text) => sum + text.length, 0);
    if (size > left) return shared;
    left -= size;
    shared.set(key, cut);
  }
  return shared;
}
