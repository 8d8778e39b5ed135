"""smtp-sink.py PORT FOLDER: takes mail on 127.0.0.1 and keeps each message as a file FOLDER/*.eml.

The names sort by time of arrival. Two lines stand before the message's own headers: X-Envelope-From and
X-Envelope-To, what the client said to the server. A file is there whole or not at all, and before the client
is told that the message was taken.
"""
import asyncio
import itertools
import pathlib
import sys
import time

from aiosmtpd.smtp import SMTP

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
numbers = itertools.count()


class Sink:
    async def handle_DATA(self, server, session, envelope):
        name = f"{time.time_ns():020d}-{next(numbers):06d}"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        part = folder / f"{name}.part"
        part.write_bytes(head.encode("utf-8", "surrogateescape") + envelope.original_content)
        part.rename(folder / f"{name}.eml")
        return "250 OK: kept"


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Sink(), hostname="localhost", ident="sink", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


asyncio.run(main())
