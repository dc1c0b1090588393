"""An upstream of the soak: echoes on a port of this machine, until it dies."""

import asyncio
import sys


async def serve(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]),
                                        backlog=256)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
