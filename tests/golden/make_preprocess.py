#!/usr/bin/env python3
"""Makes the case `preprocess_drawn`: drawn pictures as torchvision's CLIP transform on Pillow leaves them, and frames of small
clips as FFmpeg's program converts them to RGB at their own size.

usage: FFMPEG=PROGRAM tests/golden/make_preprocess.py OUT      (Pillow, torchvision and FFmpeg as manifest.json names them)

The reference is those programs alone; no code of this repository takes part.
"""
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image, ImageDraw
from torchvision import transforms
from torchvision.transforms import InterpolationMode

SIZE = 224
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
FFMPEG = os.environ.get("FFMPEG", "ffmpeg")

# name, width, height, mode: what each has of its own.
PICTURES = [
    ("landscape", 320, 240, "RGB"),
    ("portrait", 405, 720, "RGB"),
    ("square", 480, 480, "RGB"),
    ("tiny", 17, 31, "RGB"),
    ("large", 1920, 1080, "RGB"),
    ("one_channel", 320, 240, "L"),
    ("odd", 341, 257, "RGB"),
    ("identity", 224, 224, "RGB"),
    ("enlarged", 160, 120, "RGB"),
    ("strip", 1000, 61, "RGB"),
    ("half_even_down", 225, 224, "RGB"),  # crops at 0.5
    ("half_even_up", 227, 224, "RGB"),    # crops at 1.5
]

# name, source, tags and codec: one frame of each is compared.
H264 = ["-c:v", "libx264", "-bf", "2", "-crf", "30", "-threads", "1"]
CLIPS = [
    ("untagged.mp4", "testsrc2=s=170x128:r=25", 7, [*H264, "-pix_fmt", "yuv420p"]),
    ("untagged_720p.mp4", "testsrc2=s=1280x720:r=25", 2, [*H264, "-pix_fmt", "yuv420p"]),
    ("smpte170m.mkv", "mandelbrot=s=160x90:r=25", 9, [*H264, "-pix_fmt", "yuv420p", "-colorspace", "smpte170m", "-color_range", "tv"]),
    ("bt709.mp4", "mandelbrot=s=240x136:r=30", 8, [*H264, "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_range", "tv"]),
    ("full_range.mkv", "testsrc2=s=160x120:r=24", 5, [*H264, "-pix_fmt", "yuvj420p", "-color_range", "pc"]),
    ("bt709_full_range.mp4", "mandelbrot=s=160x120:r=30", 3, [*H264, "-pix_fmt", "yuvj420p", "-colorspace", "bt709", "-color_range", "pc"]),
    ("odd_sides.webm", "mandelbrot=s=161x121:r=25", 6, ["-c:v", "libvpx-vp9", "-crf", "45", "-b:v", "0", "-threads", "1", "-pix_fmt", "yuv420p"]),
    ("10bit.mp4", "mandelbrot=s=160x120:r=25", 4, [*H264, "-pix_fmt", "yuv420p10le"]),
]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def draw(name, width, height, mode):
    """Shapes with hard edges, a slope of light and a fine texture in one corner."""
    dice = random.Random(name)
    picture = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(24):
        x, y = dice.randrange(-width // 4, width), dice.randrange(-height // 4, height)
        box = (x, y, x + dice.randrange(1, width), y + dice.randrange(1, height // 2 + 2))
        colour = tuple(dice.choice((0, 255, dice.randrange(256))) for _ in range(3))
        dice.choice((pen.ellipse, pen.rectangle))(box, fill=colour)
    for y in range(min(height, 48)):
        for x in range(min(width, 48)):
            picture.putpixel((x, y), tuple(dice.randrange(256) for _ in range(3)))
    return picture.convert(mode)


def save_png(picture, path):
    picture.save(path, optimize=True)
    return sha256(path.read_bytes())


def statistics(pixels, dice):
    exact = pixels.double().flatten(1)
    places = [(0, 0, 0), (1, 0, SIZE - 1), (2, SIZE - 1, 0)] + [tuple(map(dice.randrange, (3, SIZE, SIZE))) for _ in range(5)]
    return {
        "mean": exact.mean(1).tolist(),
        "std_population": exact.std(1, unbiased=False).tolist(),
        "min": exact.amin(1).tolist(),
        "max": exact.amax(1).tolist(),
        "values": [{"channel": c, "y": y, "x": x, "value": pixels[c, y, x].item()} for c, y, x in places],
    }


def make_picture(out, name, width, height, mode):
    source = draw(name, width, height, mode)
    shaped = transforms.Compose([transforms.Resize(SIZE, interpolation=InterpolationMode.BICUBIC), transforms.CenterCrop(SIZE)])(source).convert("RGB")
    normalised = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])(shaped)
    row = {"name": name, "width": width, "height": height, "mode": mode, "input": f"input/{name}.png", "expected": f"expected/{name}.png"}
    row["input_sha256"] = save_png(source, out / row["input"])
    row["expected_sha256"] = save_png(shaped, out / row["expected"])
    row["expected_rgb_sha256"] = sha256(shaped.tobytes())
    row["normalised"] = statistics(normalised, random.Random(name))
    return row


def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-v", "error", "-nostdin", *map(str, arguments)], check=True, capture_output=True).stdout


def probe(path, frame):
    facts = subprocess.run(
        [os.environ.get("FFPROBE", str(Path(FFMPEG).with_name("ffprobe"))), "-v", "error", "-select_streams", "v:0", "-show_frames", "-of", "json", path],
        check=True, capture_output=True).stdout
    return json.loads(facts)["frames"][frame]


def make_clip(out, name, source, frame, options):
    path = out / "clips" / name
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", "12", *options, "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", path)
    facts = probe(path, frame)
    pick = ["-i", path, "-vf", f"select=eq(n\\,{frame})", "-frames:v", "1", "-f", "rawvideo"]
    planes = ffmpeg(*pick, "-pix_fmt", facts["pix_fmt"], "-")
    rgb = ffmpeg(*pick, "-pix_fmt", "rgb24", "-")
    picture = Image.frombytes("RGB", (facts["width"], facts["height"]), rgb)
    row = {"clip": name, "clip_sha256": sha256(path.read_bytes()), "source": source, "options": options, "frame_index": frame}
    row |= {key: facts[key] for key in ("width", "height", "pix_fmt")}
    row |= {"time_s": float(facts["pts_time"]), "color_range": facts.get("color_range", "unknown"), "color_space": facts.get("color_space", "unknown")}
    row |= {"planes_sha256": sha256(planes), "planes_bytes": len(planes), "reference": f"yuv2rgb/{name}.{frame}.png"}
    row["reference_sha256"] = save_png(picture, out / row["reference"])
    row["reference_rgb_sha256"] = sha256(rgb)
    return row


def main():
    out = Path(sys.argv[1])
    for folder in ("input", "expected", "clips", "yuv2rgb"):
        (out / folder).mkdir(parents=True)
    version = subprocess.run([FFMPEG, "-version"], check=True, capture_output=True, text=True).stdout.split()[2]
    manifest = {
        "made_with": {"pillow": PIL.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__, "ffmpeg program": version},
        "images": [make_picture(out, *picture) for picture in PICTURES],
        "yuv2rgb": [make_clip(out, *clip) for clip in CLIPS],
    }
    case = {
        "case": out.name,
        "kind": "preprocess",
        "what": "drawn pictures resized, cropped and normalised by torchvision on Pillow (CLIP's transform), and frames of small clips converted to RGB by FFmpeg's program at their own size; made by tests/golden/make_preprocess.py",
        "manifest": "manifest.json",
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    (out / "case.json").write_text(json.dumps(case, indent=1) + "\n")


if __name__ == "__main__":
    main()
