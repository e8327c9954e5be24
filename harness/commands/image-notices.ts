/** Image events as lines for a person. */
import type { ImageEvent } from '../../images/build.ts';

export function renderImageEvent(event: ImageEvent): string {
  switch (event.kind) {
    case 'fetch':
      return `fetching ${event.name} ${event.version}\n`;
    case 'successor':
      return `${event.name} ${event.pinned} is no longer offered; going on with ${event.used}, and recording it\n`;
    case 'build':
      return `building ${event.name}\n`;
    case 'wait':
      return 'another poolproof builds images in this cache; waiting for it\n';
  }
}
