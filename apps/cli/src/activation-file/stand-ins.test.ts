import { expect, test } from 'vitest';
import { startStandIn } from './stand-ins.ts';

const entry = (type: string) => ({ key: 'crm', type, settings: {} });

test('a destination without a stand-in is named, with what to do', async () => {
  await expect(startStandIn(entry('own/no-such-connector'), { routes: [] })).rejects.toMatchObject({
    exitCode: 2,
    message:
      'Failed to stand in for crm: there is no stand-in for own/no-such-connector. Use a test account of the vendor instead.',
  });
});

test('a stand-in that fails as it is loaded is named with its destination', async () => {
  const vendorOf = () => Promise.reject(new Error('own/connectors/pigeon/vendor.ts fails as it is loaded: no birds.'));
  await expect(startStandIn(entry('own/pigeon'), { routes: [] }, vendorOf)).rejects.toMatchObject({
    exitCode: 2,
    message: 'Failed to stand in for crm: own/connectors/pigeon/vendor.ts fails as it is loaded: no birds.',
  });
});
