import { useEffect, useState, type MouseEvent } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import type { About } from '@activation-hub/console-contract';
import { useAbout } from './about.ts';
import { Empty, Failure } from './parts.tsx';
import { pages } from './pages.ts';
import { go, Link, usePlace } from './router.tsx';
import { showPeople, useLive } from './live-state.ts';
import { useShortcuts } from './shortcuts.ts';
import { useTheme } from './theme.ts';

/** Those that there are of what the page is about. */
function pagesOf(about: About | undefined): typeof pages {
  return about?.isLocal === false ? pages.filter(({ notDeployed }) => notDeployed === undefined) : pages;
}

export function App() {
  const { path } = usePlace();
  const [helps, setHelps] = useState(false);
  const about = useAbout();
  const page = pages.find((each) => each.path === path);
  const trouble = useLive(({ connection, trouble: words }) => (connection === 'refused' ? words : ''));
  useShortcuts({
    '?': () => setHelps(true),
    ...Object.fromEntries(pages.map((each) => [`g ${each.key}`, () => go(each.path)])),
  });
  useEffect(() => {
    document.title = `${page?.name ?? 'Not found'} · Activation Hub`;
  }, [page]);
  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <Navigation path={path} onHelp={() => setHelps(true)} />
      <main id="content" className="content" tabIndex={-1}>
        <Connection />
        {trouble !== '' ? (
          <>
            <h1 className="hidden">Activation Hub</h1>
            <Failure title="This page may not ask for anything" error={new Error(trouble)} />
          </>
        ) : page === undefined ? (
          <>
            <h1 className="hidden">Activation Hub</h1>
            <Failure title="There is no such page" error={new Error('Choose one on the left.')} />
          </>
        ) : page.notDeployed !== undefined && about?.isLocal === false ? (
          <>
            <h1 className="hidden">{page.name}</h1>
            <Empty title={`There is no ${page.name} of a deployed environment`}>{page.notDeployed}</Empty>
          </>
        ) : (
          <page.Content />
        )}
      </main>
      <Help isOpen={helps} onClose={() => setHelps(false)} />
    </div>
  );
}

/** The address stays: on the page of a person it says who is meant. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Navigation({ path, onHelp }: { readonly path: string; readonly onHelp: () => void }) {
  const about = useAbout();
  const { theme, setTheme } = useTheme();
  const showsPeople = useLive((state) => state.showsPeople);
  const problems = useLive(
    ({ overview }) => overview?.attention.filter(({ level }) => level === 'problem').length ?? 0,
  );
  return (
    <nav className="navigation" aria-label="Pages">
      <div className="brand">
        <img src="/icon.svg" alt="" width={24} height={24} />
        <span>
          Activation Hub
          <small>{about === undefined ? ' ' : about.isLocal ? 'on this machine' : about.environment}</small>
          {about?.operator === undefined ? null : (
            <small>
              as <bdi>{breakable(about.operator)}</bdi>
            </small>
          )}
        </span>
      </div>
      <ul>
        {pagesOf(about).map((page) => (
          <li key={page.path}>
            <Link to={page.path} aria-current={page.path === path ? 'page' : undefined}>
              {page.name}
              {page.path === '/' && problems > 0 ? (
                <span className="count" title={`${problems} need you`}>
                  {problems}
                </span>
              ) : (
                <kbd aria-hidden="true">g {page.key}</kbd>
              )}
            </Link>
          </li>
        ))}
      </ul>
      <div className="foot">
        {about?.isLocal === false ? null : (
          <label className="check">
            <input type="checkbox" checked={showsPeople} onChange={(event) => showPeople(event.target.checked)} />
            Show who people are
          </label>
        )}
        <label className="field">
          <span>Theme</span>
          <select value={theme} onChange={(event) => setTheme(event.target.value)}>
            <option value="system">As the system</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
        <Button className="quiet" onPress={onHelp}>
          Keys <kbd>?</kbd>
        </Button>
      </div>
    </nav>
  );
}

function Connection() {
  const { connection, trouble } = useLive((state) => state);
  return (
    <div role="status">
      {connection === 'lost' ? <p className="banner">{trouble} The page comes back by itself.</p> : null}
    </div>
  );
}

const keys: readonly (readonly [string, string])[] = [
  ['/', 'go to the filter'],
  ['p', 'hold the list, or go on (Live)'],
  ['↑ ↓', 'go from row to row'],
  ['Enter', 'open the row'],
  ['Esc', 'close what is open'],
  ['?', 'this list'],
];

function Help({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const about = useAbout();
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={onClose} isDismissable>
      <Modal className="modal">
        <Dialog>
          <Heading slot="title">Keys</Heading>
          <dl className="keys">
            {[...pagesOf(about).map(({ key, name }) => [`g ${key}`, `go to ${name}`] as const), ...keys].map(
              ([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ),
            )}
          </dl>
          <div className="actions">
            <Button slot="close" className="primary">
              Close
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A name that is broken behind its `@`, and not in the middle of a word. */
function breakable(name: string) {
  const [before = '', ...after] = name.split('@');
  return after.length === 0 ? (
    before
  ) : (
    <>
      {before}@<wbr />
      {after.join('@')}
    </>
  );
}
