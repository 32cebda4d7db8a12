// A mail with two bodies, a picture inside and an attachment, composed by nodemailer and written to a file.
const fs = require('node:fs');
const nodemailer = require('nodemailer');

const pixel = Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64');
const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
transport.sendMail({
  from: { name: 'Tanzhaus Grünau', address: 'office@example.org' },
  to: 'treasurer@example.org',
  subject: 'Invoice 2025-118 for the dance floor ✓',
  date: new Date('2025-05-09T10:00:00Z'),
  messageId: '<invoice-118@example.org>',
  text: 'Dear treasurer,\n\nthe amount of 1,240.00 € is payable within three weeks.\nThe floor will be laid on Thursday '
    + 'before the ball, so keep the hall empty.\n\nmit freundlichem Gruß 🎺\n',
  html: '<p>Dear treasurer,</p><p>the amount of <b>1,240.00 €</b> is payable within three weeks.<br>The floor will be laid on '
    + 'Thursday before the ball, so keep the hall empty.</p><p>mit freundlichem Gruß 🎺 <img src="cid:logo" alt="logo"></p>',
  attachments: [
    { filename: 'logo.gif', content: pixel, cid: 'logo' },
    { filename: 'Rechnung Größe.csv', content: Buffer.from('item;price\nfloor, oak;1240.00\n') },
  ],
}, (error, info) => {
  if (error) throw error;
  fs.writeFileSync(process.argv[2], info.message);
});
