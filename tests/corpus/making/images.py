"""Pictures: png, jpeg and webp. They hold no text to find; what counts is their size as a viewer shows it."""

import math
import random

from .common import WORK, by, made, run, target


def landscape(width, height, seed):
    """A small drawn landscape as a PNG of Pillow."""
    from PIL import Image, ImageDraw
    chance = random.Random(seed)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        draw.line([(0, y), (width, y)], fill=(40 + 150 * y // height, 90 + 90 * y // height, 190 - 60 * y // height))
    for layer in range(4):
        start, wave = height * (4 + layer) / 9, chance.uniform(20, 50)
        hills = [(x, start + math.sin(x / wave + layer) * height / 18) for x in range(0, width + 8, 8)]
        draw.polygon([*hills, (width, height), (0, height)], fill=(30 + 12 * layer, 90 - 14 * layer, 60 - 9 * layer))
    draw.ellipse([width * 0.7, height * 0.1, width * 0.7 + 40, height * 0.1 + 40], fill=(250, 235, 170))
    path = WORK / f"landscape-{seed}.png"
    image.save(path)
    return path


def make_png():
    target("png/hills.png").write_bytes(landscape(480, 320, 1).read_bytes())
    made("png/hills.png", by("Pillow"), width=480, height=320)
    run("convert-im6.q16", "-size", "301x97", "gradient:navy-gold", "-depth", "16", "-interlace", "PNG", "-strip",
        target("png/gradient_16bit.png"))
    made("png/gradient_16bit.png", by("ImageMagick"), width=301, height=97)
    run("convert-im6.q16", "-size", "128x128", "xc:transparent", "-fill", "#b33", "-draw", "circle 64,64 64,12", "-colors", "16",
        "-strip", "PNG8:" + str(target("png/dot_palette.png")))
    made("png/dot_palette.png", by("ImageMagick"), width=128, height=128)
    page = WORK / "card.html"
    page.write_text("<body style='margin:40px;font:28px sans-serif;background:#fed'>The ferry leaves at <b>6:20</b>.</body>")
    run("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={WORK}/chromium", "--hide-scrollbars",
        "--window-size=600,220", f"--screenshot={target('png/screenshot.png')}", page.as_uri())
    made("png/screenshot.png", by("Chromium"), width=600, height=220)


def make_jpeg():
    run("convert-im6.q16", landscape(400, 260, 2), WORK / "hills.ppm")
    run("cjpeg", "-quality", "78", "-progressive", "-outfile", target("jpeg/progressive.jpg"), WORK / "hills.ppm")
    made("jpeg/progressive.jpg", by("cjpeg"), width=400, height=260)
    # The same kind of picture as telephones write it: lying on its side, with a note how to turn it.
    for orientation, name, size in ((6, "turned_right", (240, 360)), (8, "turned_left", (240, 360)), (3, "upside_down", (360, 240))):
        path = target(f"jpeg/{name}.jpg")
        run("convert-im6.q16", landscape(360, 240, orientation), "-quality", "80", "-strip", path)
        run("exiftool", "-q", "-overwrite_original", "-n", f"-Orientation={orientation}", "-Make=Example", "-Model=Camera", path)
        made(f"jpeg/{name}.jpg", by("ImageMagick") + ", exiftool", width=size[0], height=size[1])
    run("convert-im6.q16", landscape(200, 200, 5), "-colorspace", "Gray", "-quality", "70", "-strip", target("jpeg/grey.jpg"))
    made("jpeg/grey.jpg", by("ImageMagick"), width=200, height=200)


def make_webp():
    source = landscape(420, 280, 7)
    run("cwebp", "-quiet", "-q", "75", source, "-o", target("webp/lossy.webp"))
    made("webp/lossy.webp", by("cwebp"), width=420, height=280)
    run("cwebp", "-quiet", "-lossless", "-resize", "150", "100", source, "-o", target("webp/lossless.webp"))
    made("webp/lossless.webp", by("cwebp"), width=150, height=100)
    run("convert-im6.q16", "-size", "96x64", "xc:transparent", "-fill", "#2a6", "-draw", "roundrectangle 8,8 88,56 10,10",
        WORK / "badge.png")
    run("cwebp", "-quiet", "-q", "60", "-alpha_q", "90", WORK / "badge.png", "-o", target("webp/with_alpha.webp"))
    made("webp/with_alpha.webp", by("cwebp"), width=96, height=64)
    from PIL import Image
    frames = [Image.open(landscape(120, 80, seed)) for seed in (11, 12, 13)]
    frames[0].save(target("webp/animated.webp"), save_all=True, append_images=frames[1:], duration=300, quality=60)
    made("webp/animated.webp", by("Pillow"), width=120, height=80)
