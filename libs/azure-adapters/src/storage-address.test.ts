import { expect, test } from 'vitest';
import { addressFault, connectionStringFault } from './storage-address.ts';

const key = `${'a'.repeat(86)}==`;

test.each([
  'UseDevelopmentStorage=true',
  `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${key};EndpointSuffix=core.windows.net`,
  `AccountName=devstoreaccount1;AccountKey=${key};BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1`,
  'BlobEndpoint=https://contoso.blob.core.windows.net;SharedAccessSignature=sv=2022&sig=x',
])('%s may lead to an account', (connectionString) => {
  expect(connectionStringFault(connectionString)).toBeUndefined();
});

test.each([
  '',
  'hunter2',
  'AccountName=contoso;AccountKey=hunter2',
  `AccountKey=${key}`,
  `AccountName=;AccountKey=${key}`,
  'SharedAccessSignature=hunter2',
  'BlobEndpoint=hunter2;SharedAccessSignature=x',
])('"%s" leads to none, and is not quoted', (connectionString) => {
  const fault = connectionStringFault(connectionString);
  expect(fault).toMatch(/^it cannot be understood\. Copy it again/);
  expect(fault).not.toContain('hunter2');
});

test.each([
  `DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=${key}`,
  `AccountName=contoso;AccountKey=${key};BlobEndpoint=https://a.example;QueueEndpoint=http://10.0.0.7:10001/a`,
])('%s would send data in the open', (connectionString) => {
  expect(connectionStringFault(connectionString)).toMatch(/^plain http is allowed only to an emulator/);
});

test.each([
  ['https://contoso.table.core.windows.net', undefined],
  ['http://localhost:10002/devstoreaccount1', undefined],
  ['http://[::1]:10002/devstoreaccount1', undefined],
  ['http://contoso.table.core.windows.net', /^plain http/],
  ['http://127.0.0.1.example.com', /^plain http/],
  ['ftp://127.0.0.1', /^plain http/],
  ['contoso', /^it cannot be understood/],
])('%s: %s', (url, fault) => {
  if (fault === undefined) expect(addressFault(url)).toBeUndefined();
  else expect(addressFault(url)).toMatch(fault);
});
