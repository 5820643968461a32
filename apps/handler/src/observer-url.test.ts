import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

const storage = 'UseDevelopmentStorage=true';
const environment = {
  ACTIVATION_FILE: 'dev.yaml',
  AzureWebJobsStorage: storage,
  DataStorage: storage,
  EventHubConnection: 'Endpoint=sb://127.0.0.1/',
  EVENT_HUB_NAME: 'hub',
  EVENT_HUB_CONSUMER_GROUP: 'group',
  ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
};

test('the app tells no observer unless its settings have an address', () => {
  expect(readSettings(environment).observerUrl).toBeUndefined();
});

test.each(['http://127.0.0.1:4000/x', 'http://[::1]:4000/x'])('an address of this machine may observe: %s', (url) => {
  expect(readSettings({ ...environment, ACTIVATION_OBSERVER_URL: url }).observerUrl).toBe(url);
});

test.each([
  'http://observer.example.com/',
  'https://127.0.0.1:4000/',
  'http://127.0.0.1.example.com/',
  'http://localhost:4000/',
  'http://10.0.0.4/',
  'nothing',
])('the app does not start when somebody else is to be told of people: %s', (url) => {
  expect(() => readSettings({ ...environment, ACTIVATION_OBSERVER_URL: url })).toThrow('ACTIVATION_OBSERVER_URL');
});

test('an app that is no local run does not start with an observer', () => {
  const url = 'http://127.0.0.1:4000/x';
  const deployed = { ...environment, ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'false', ACTIVATION_OBSERVER_URL: url };
  expect(() => readSettings(deployed)).toThrow('it is for local runs');
});
