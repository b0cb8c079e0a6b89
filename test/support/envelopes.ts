/** Events in which AWS services deliver requests, as AWS documents them. */

const account = 'arn:aws:sns:us-east-1:123456789012';

const toText = (message: string | object) => (typeof message === 'string' ? message : JSON.stringify(message));

/** SQS messages, `message-0` and so on. */
export function queueEvent(...bodies: (string | object)[]) {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `message-${index}`,
      body: toText(body),
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1545082649183',
        SenderId: 'AIDAIENQZJOLO23YVJ4VO',
        ApproximateFirstReceiveTimestamp: '1545082649185',
      },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:my-queue',
      awsRegion: 'us-east-1',
    })),
  };
}

/** Messages of a FIFO queue. */
export function fifoEvent(...bodies: (string | object)[]) {
  const { Records } = queueEvent(...bodies);
  return { Records: Records.map((record) => ({ ...record, eventSourceARN: `${record.eventSourceARN}.fifo` })) };
}

/** An SNS message. */
export function topicEvent(message: string | object, TopicArn = `${account}:requests`) {
  return {
    Records: [
      {
        EventVersion: '1.0',
        EventSubscriptionArn: `${TopicArn}:21be56ed-a058-49f5-8c98-aedd2564c486`,
        EventSource: 'aws:sns',
        Sns: {
          SignatureVersion: '1',
          Timestamp: '2019-01-02T12:45:07.000Z',
          Signature: 'tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==',
          SigningCertUrl: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b.pem',
          MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
          Message: toText(message),
          MessageAttributes: {},
          Type: 'Notification',
          UnsubscribeUrl: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
          TopicArn,
          Subject: 'TestInvoke',
        },
      },
    ],
  };
}

/** What SNS writes to a queue that subscribes to a topic. */
export function notification(message: string | object, TopicArn = `${account}:requests`) {
  return {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn,
    Message: toText(message),
    Timestamp: '2012-05-02T00:54:06.655Z',
    SignatureVersion: '1',
    Signature: 'EXAMPLEw6JRN...',
    SigningCertURL:
      'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem',
    UnsubscribeURL: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
  };
}

/** What a CloudWatch alarm sends to a topic. */
export function alarmMessage(NewStateValue: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA') {
  return {
    AlarmName: 'over-budget',
    AlarmDescription: null,
    AWSAccountId: '123456789012',
    NewStateValue,
    NewStateReason: 'Threshold Crossed: 1 datapoint (10.0) was greater than the threshold (0.0).',
    StateChangeTime: '2019-01-02T12:45:07.000+0000',
    Region: 'US East (N. Virginia)',
    OldStateValue: NewStateValue === 'ALARM' ? 'OK' : 'ALARM',
    Trigger: { MetricName: 'EstimatedCharges', Namespace: 'AWS/Billing', Period: 21_600 },
  };
}

/** An EventBridge event, by default somebody else's. */
export function busEvent(detail: unknown, source = 'my.pipeline') {
  return {
    version: '0',
    id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
    'detail-type': 'Training Aborted',
    source,
    account: '123456789012',
    time: '2015-10-08T16:53:06Z',
    region: 'us-east-1',
    resources: [],
    detail,
  };
}
