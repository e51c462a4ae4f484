"""Makes the picture files of this folder with Pillow, independently of the code under test. Run by hand: python3 make.py

Made with Pillow 9.4.0 and the programs of libjpeg-turbo 2.1.5 (libwebp 1.2.4, zlib 1.2.13). Beside each lossy or WebP file lies what is decoded
from it, as NAME.rgba: height x width x 4 bytes; by Pillow of WebP, by djpeg of JPEG, whose -nosmooth repeats a chroma sample for all its pixels.
area_*.png are Image.reduce of area.png, whose means are exactly rounded.
"""
import io
import subprocess
import tempfile

import numpy as np
from PIL import Image


def write_decoded(name):
    decoded = name
    if name.endswith(".jpg"):
        decoded = io.BytesIO(subprocess.run(["djpeg", "-nosmooth", "-dct", "int", name], capture_output=True, check=True).stdout)
    with open(name + ".rgba", "wb") as out:
        out.write(Image.open(decoded).convert("RGBA").tobytes())


def save(name, image, **options):
    image.save(name, **options)
    write_decoded(name)


def save_jpeg(name, image, *options):
    ppm = io.BytesIO()
    image.save(ppm, "ppm")
    with open(name, "wb") as out:
        out.write(subprocess.run(["cjpeg", *options], input=ppm.getvalue(), capture_output=True, check=True).stdout)
    write_decoded(name)


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    channels = [128 + 100 * np.sin(x / 3.0), 128 + 100 * np.cos(y / 4.0), (x * 9 + y * 5) % 256, 255 - (x * 255) // (width - 1)]
    return Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))


rgba = picture(20, 14)
rgb = rgba.convert("RGB")
save("colour.jpg", rgb, quality=90)
save("progressive.jpg", rgb, quality=80, progressive=True)
save("grey.jpg", rgb.convert("L"), quality=90)
large = picture(61, 35).convert("RGB")
save_jpeg("restart.jpg", large, "-progressive", "-sample", "2x2", "-restart", "2B", "-quality", "85")
save_jpeg("wide_chroma.jpg", large, "-sample", "1x2", "-restart", "1", "-quality", "85")
with tempfile.NamedTemporaryFile("w") as scans:
    scans.write("0;\n1;\n2;\n")
    scans.flush()
    save_jpeg("separate.jpg", large, "-scans", scans.name, "-restart", "3B", "-quality", "85")
save_jpeg("rgb.jpg", large, "-rgb", "-quality", "85")
save("lossy.webp", rgb, quality=80)
save("lossy_alpha.webp", rgba, quality=80)
save("filtered_alpha.webp", picture(61, 35), quality=50, method=6)
save("lossless.webp", rgb, lossless=True)
save("lossless_alpha.webp", rgba, lossless=True, exact=True)
rgb.convert("CMYK").save("cmyk.jpg", quality=90)
rgb.save("animated.webp", save_all=True, append_images=[rgb.transpose(Image.FLIP_LEFT_RIGHT)])
rgb.save("picture.gif")

noise = Image.fromarray(np.random.default_rng(7).integers(0, 256, (36, 60, 3), dtype=np.uint8))
noise.save("area.png")
for factors in [(2, 2), (4, 4), (3, 1), (5, 6)]:
    noise.reduce(factors).save("area_%d_%d.png" % factors)
