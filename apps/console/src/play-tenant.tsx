import type { Play, PlayedPerson, PlayedTenant, Sent } from '@activation-hub/console-contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useAbout } from './about.ts';
import { Empty, Failure, Loading } from './parts.tsx';
import { ask, send } from './session.ts';

interface PlayTenantProps {
  readonly onSent: (sent: Sent & { readonly what: string }) => void;
}

/** People who enter and leave audiences when one says so. */
export function PlayTenant({ onSent }: PlayTenantProps) {
  const about = useAbout();
  const client = useQueryClient();
  const tenant = useQuery({ queryKey: ['tenant'], queryFn: () => ask<PlayedTenant>('tenant') });
  const play = useMutation({
    mutationFn: async ({ person, doing }: { readonly person: PlayedPerson; readonly doing: Play }) => ({
      ...(await send<Sent>(`tenant/${person.number}`, doing)),
      what: `${person.name} ${wordsOf(doing)}.`,
    }),
    onSuccess: onSent,
    onSettled: () => client.invalidateQueries({ queryKey: ['tenant'] }),
  });
  if (tenant.error !== null) return <Failure title="The tenant cannot be played" error={tenant.error} />;
  if (tenant.data === undefined || about === undefined) return <Loading what="the people" />;
  if (tenant.data.people.length === 0) {
    return (
      <Empty title="There is nothing to enter">The activation file has no audience. Add one under `audiences`.</Empty>
    );
  }
  return (
    <section aria-labelledby="people">
      <h2 id="people">People of the tenant</h2>
      <p className="quiet-text">
        Press an audience to let the person enter or leave it; the export that AEP would send goes to the event hub.
      </p>
      {play.error === null ? null : (
        <p className="failure" role="alert">
          {play.error.message}
        </p>
      )}
      <div className="scroll" tabIndex={0} role="region" aria-label="People of the tenant, as a table">
        <table className="tenant">
          <thead>
            <tr>
              <th scope="col">Person</th>
              {about.audiences.map(({ key, name }) => (
                <th scope="col" key={key}>
                  <bdi>{name}</bdi>
                </th>
              ))}
              <th scope="col">More</th>
            </tr>
          </thead>
          <tbody>
            {tenant.data.people.map((person) => (
              <tr key={person.number}>
                <th scope="row">
                  {person.name}
                  <small>
                    {person.isKnown ? person.email : 'seen on a device, not known'}
                    {person.hasConsent ? '' : ' · no consent'}
                  </small>
                </th>
                {about.audiences.map(({ key, name }) => {
                  const isIn = person.audiences.includes(key);
                  return (
                    <td key={key}>
                      <button
                        type="button"
                        className="membership"
                        aria-pressed={isIn}
                        aria-label={`${isIn ? 'member' : 'enter'}: ${person.name} in ${name}`}
                        disabled={play.isPending}
                        onClick={() =>
                          play.mutate({ person, doing: { does: isIn ? 'leave' : 'enter', audience: key } })
                        }
                      >
                        {isIn ? 'member' : 'enter'}
                      </button>
                    </td>
                  );
                })}
                <td>
                  <MoreMenu
                    person={person}
                    asksConsent={tenant.data.asksConsent}
                    onPlay={(doing) => play.mutate({ person, doing })}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface MoreMenuProps {
  readonly person: PlayedPerson;
  readonly asksConsent: boolean;
  readonly onPlay: (play: Play) => void;
}

function MoreMenu({ person, asksConsent, onPlay }: MoreMenuProps) {
  const consent = person.hasConsent ? 'withdraw-consent' : 'give-consent';
  const choices = [
    ...(person.isKnown ? (['change-email'] as const) : (['log-in'] as const)),
    'change-attributes' as const,
    ...(asksConsent ? ([consent] as const) : []),
  ];
  return (
    <MenuTrigger>
      <Button className="quiet" aria-label={`More that ${person.name} can do`}>
        •••
      </Button>
      <Popover className="popover">
        <Menu className="menu" aria-label={`What ${person.name} does`}>
          {choices.map((does) => (
            <MenuItem key={does} onAction={() => onPlay({ does })}>
              {menuWords[does]}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

const menuWords = {
  'log-in': 'Log in',
  'change-email': 'Change the e-mail address',
  'change-attributes': 'Change attributes',
  'withdraw-consent': 'Withdraw consent',
  'give-consent': 'Give consent',
} as const;

function wordsOf(play: Play): string {
  switch (play.does) {
    case 'enter':
      return `entered ${play.audience}`;
    case 'leave':
      return `left ${play.audience}`;
    case 'log-in':
      return 'logged in';
    case 'change-email':
      return 'changed the e-mail address';
    case 'change-attributes':
      return 'changed attributes';
    case 'withdraw-consent':
      return 'withdrew consent';
    case 'give-consent':
      return 'gave consent';
  }
}
