import type { ComponentType } from 'react';
import { DeadLettersPage } from './dead-letters-page.tsx';
import { DestinationsPage } from './destinations-page.tsx';
import { FilePage } from './file-page.tsx';
import { LivePage } from './live-page.tsx';
import { OverviewPage } from './overview-page.tsx';
import { PeoplePage } from './people-page.tsx';
import { TryItPage } from './try-it-page.tsx';

export interface Page {
  readonly path: string;
  readonly name: string;
  /** After `g`. */
  readonly key: string;
  /** What it is for, in a sentence. */
  readonly about: string;
  readonly Content: ComponentType;
  /**
   * Why there is no such page of a deployed environment, and what there is instead; absent where
   * there is one.
   */
  readonly notDeployed?: string;
}

/** In the order of the navigation. */
export const pages: readonly Page[] = [
  {
    path: '/',
    name: 'Overview',
    key: 'o',
    about: 'Which audiences arrive where, and what needs you.',
    Content: OverviewPage,
  },
  {
    path: '/live',
    name: 'Live',
    key: 'l',
    about: 'Each change as it happens.',
    Content: LivePage,
    notDeployed:
      'Only activation local sees each change as it happens, with its request and answer. What became of one person stands in People, of all in Overview.',
  },
  {
    path: '/try',
    name: 'Try it',
    key: 't',
    about: 'Play the tenant, send an export, break a destination.',
    Content: TryItPage,
  },
  {
    path: '/people',
    name: 'People',
    key: 'p',
    about: 'What was told of one person, to whom, when and why.',
    Content: PeoplePage,
  },
  {
    path: '/dead-letters',
    name: 'Dead letters',
    key: 'd',
    about: 'What is not tried again by itself.',
    Content: DeadLettersPage,
  },
  {
    path: '/destinations',
    name: 'Destinations',
    key: 's',
    about: 'Settings, limits, circuit and last errors.',
    Content: DestinationsPage,
  },
  {
    path: '/file',
    name: 'File',
    key: 'f',
    about: 'Which audience goes where, and what check and plan say.',
    Content: FilePage,
  },
];
