#!/usr/bin/env python3
"""Times glint's video reader beside torchcodec, decord, PyAV and OpenCV on the same files, and prints a Markdown table.

usage: benchmarks/compare_readers.py [--glint PROGRAM] [--clips FOLDER] [--cache FOLDER] [--repeats 3] [--only WORD]

  --glint    default: build/release/glint
  --clips    videos to make the test clips from; default: ../shared/data/real_clips
  --cache    where the Python packages and the clips stay; default: ~/.cache/glint/compare_readers
  --only     the sets whose names hold this word

The job: open a file, take N frames of the 3-a-second grid (t = k/3 s, the frame on screen then; of more than N the N spread
evenly), RGB, short side 224 bicubic with antialias, centre crop: uint8 [N, 3, 224, 224]. All readers run on one core with
one thread, alternate, and the fastest pass counts; figures are CPU time, which other work on the machine changes little.
The Python readers resize with LibTorch's uint8 kernel, their fastest; start and imports are not counted.
torchcodec wants FFmpeg's libraries with libavfilter and libavdevice on the system (Debian: libavfilter8 libavdevice59).
The table names what is missing or fails on a machine.
"right" compares every frame with decoding in order (PyAV) and Pillow's resize: glint's bytes must be equal, the others' within what
LibTorch's kernel differs (mean of a frame below 1).
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = """torch==2.11.0 torchcodec==0.11.0 nvidia-npp==13.2.0.93 decord==0.6.0 av==18.1.0 opencv-python-headless==5.0.0.93 imageio-ffmpeg==0.8.1
    numpy==2.4.6 pillow==13.0.0""".split()
SIZE = 224
FPS = 25

# name, codec arguments of FFmpeg (its defaults otherwise), width, height, seconds of each clip
X264, X265, VP9 = ["-c:v", "libx264"], ["-c:v", "libx265", "-x265-params", "log-level=error"], ["-c:v", "libvpx-vp9"]
SETS = [
    ("MSR-VTT-like", X264, 320, 240, [10, 13, 16, 20, 25, 30]),
    ("ActivityNet-like", X264, 640, 360, [120, 120]),
    ("DiDeMo-like", X264, 640, 480, [30, 30, 30]),
    ("MSR-VTT-like HEVC", X265, 320, 240, [10, 13, 16, 20, 25, 30]),
    ("ActivityNet-like HEVC", X265, 640, 360, [120]),
    ("MSR-VTT-like VP9", VP9, 320, 240, [10, 13, 16, 20, 25, 30]),
]
COUNTS = [12, 64]
SOURCES = """stock_woman_bicycle.mp4 pool_cleaning.mp4 three_bottles.mp4 city_bikes_taxi.mp4 elephant_jeep.asf nasa_telescope_mirror.mp4
    basketball_gym.mp4 stock_cartoon_bicycle.mp4 airplane_flyover.mp4 webvid_1066674877.mp4 man_plaid_shirt_webcam.mp4
    webvid_1066674883.mp4""".split()


def fail(sentence):
    sys.exit(f"error: {sentence}")


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- set-up ---------------------------------------------------------------------------------------------------------------


def python_of(cache):
    """The interpreter of the benchmark's own environment; what cannot be installed is told once and left out of the table."""
    folder = cache / ("venv-" + hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12])
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        for package in PACKAGES:
            say(f"compare_readers: installing {package}")
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])
            if done.returncode != 0:
                say(f"compare_readers: {package} cannot be installed on this machine")
        (folder / "complete").touch()
    return python


def make_clip(ffmpeg, sources, codec, width, height, seconds, first, path):
    """A clip of `seconds` from sources one after the other, beginning with number `first`."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [sources[(first + i) % len(sources)] for i in range(len(sources))]
    fit = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},fps={FPS},format=yuv420p,setsar=1"
    graph = ";".join(f"[{i}:v:0]{fit}[v{i}]" for i in range(len(order)))
    graph += ";" + "".join(f"[v{i}]" for i in range(len(order))) + f"concat=n={len(order)}[all]"
    inputs = [word for source in order for word in ("-i", str(source))]
    part = path.with_suffix(".part" + path.suffix)
    command = [ffmpeg, "-v", "error", "-y", *inputs, "-filter_complex", graph, "-map", "[all]", "-t", str(seconds), *codec, str(part)]
    say(f"compare_readers: making {path.name}")
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
        fail(f"FFmpeg could not make {path}; its words stand above")
    part.rename(path)


def make_clips(ffmpeg, sources, cache, name, codec, width, height, lengths):
    ending = ".webm" if codec is VP9 else ".mp4"
    folder = cache / "clips" / name.replace(" ", "_")
    for number, seconds in enumerate(lengths):
        make_clip(ffmpeg, sources, codec, width, height, seconds, 3 * number, folder / f"{number}_{seconds}s{ending}")
    return folder


# --- readers: each in a process of its own, so that their copies of FFmpeg do not meet -------------------------------------


def wanted(frames, fps, count):
    """Numbers of the frames on screen at k/3 s, of more than `count` the `count` spread evenly."""
    grid, k = [], 0
    while k / 3 < frames / fps - 1e-9:
        grid.append(min(frames - 1, int(k / 3 * fps + 1e-6)))
        k += 1
    if len(grid) <= count:
        return grid
    return [grid[int(i * (len(grid) - 1) / (count - 1))] for i in range(count)]


def resized_shape(height, width):
    return (SIZE, int(SIZE * width / height)) if height <= width else (int(SIZE * height / width), SIZE)


def transform(frames):
    """uint8 [N, 3, H, W], channels last in memory -> uint8 [N, 3, 224, 224]."""
    import torch

    height, width = resized_shape(*frames.shape[2:])
    frames = torch.nn.functional.interpolate(frames, size=(height, width), mode="bicubic", antialias=True)
    top, left = round((height - SIZE) / 2), round((width - SIZE) / 2)
    return frames[:, :, top : top + SIZE, left : left + SIZE].contiguous()


def from_arrays(arrays):
    import numpy
    import torch

    return transform(torch.from_numpy(numpy.stack(arrays)).permute(0, 3, 1, 2))


def torchcodec_reader(seek_mode):
    from torchcodec.decoders import VideoDecoder

    def read(path, count):
        decoder = VideoDecoder(path, num_ffmpeg_threads=1, seek_mode=seek_mode, dimension_order="NHWC")
        numbers = wanted(decoder.metadata.num_frames, decoder.metadata.average_fps, count)
        return transform(decoder.get_frames_at(numbers).data.permute(0, 3, 1, 2))

    return read


def decord_reader():
    import decord
    import torch

    def read(path, count):
        video = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1)
        frames = video.get_batch(wanted(len(video), video.get_avg_fps(), count)).asnumpy()
        return transform(torch.from_numpy(frames).permute(0, 3, 1, 2))

    return read


def opencv_reader(seeks):
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    import cv2

    cv2.setNumThreads(1)

    def read(path, count):
        video = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        numbers = wanted(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), video.get(cv2.CAP_PROP_FPS), count)
        arrays, at = [], 0
        for number in numbers:
            if seeks:
                video.set(cv2.CAP_PROP_POS_FRAMES, number)
                at = number
            while at <= number:
                video.grab()
                at += 1
            _, frame = video.retrieve()
            arrays.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        video.release()
        return from_arrays(arrays)

    return read


def pyav_frames(path, numbers_of, seeks):
    """Yields the wanted frames (numbers_of(stream) says which), decoding in order or after a seek for each."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        rate, tick = float(stream.average_rate), float(stream.time_base)
        numbers = numbers_of(stream)
        if seeks:
            for number in numbers:
                container.seek(int(number / rate / tick), stream=stream, backward=True)
                yield next(f for f in container.decode(stream) if round(f.pts * tick * rate) >= number)
            return
        left = list(numbers)
        for at, frame in enumerate(container.decode(stream)):
            while left and left[0] == at:
                left.pop(0)
                yield frame
            if not left:
                return


def pyav_count(stream):
    if stream.frames:
        return stream.frames
    return round(stream.container.duration / 1e6 * float(stream.average_rate))  # WebM does not tell


def pyav_reader(seeks):
    import av  # noqa: F401, so that it is missed now

    def read(path, count):
        choose = lambda stream: wanted(pyav_count(stream), float(stream.average_rate), count)
        return from_arrays([frame.to_ndarray(format="rgb24") for frame in pyav_frames(path, choose, seeks)])

    return read


def judge():
    """In order, Pillow's resize: the bytes that are right."""
    import numpy
    import torch
    from PIL import Image

    def read(path, count):
        choose = lambda stream: wanted(pyav_count(stream), float(stream.average_rate), count)
        result = []
        for frame in pyav_frames(path, choose, seeks=False):
            height, width = resized_shape(frame.height, frame.width)
            picture = Image.fromarray(frame.to_ndarray(format="rgb24")).resize((width, height), Image.Resampling.BICUBIC)
            top, left = round((height - SIZE) / 2), round((width - SIZE) / 2)
            result.append(numpy.asarray(picture)[top : top + SIZE, left : left + SIZE].transpose(2, 0, 1))
        return torch.from_numpy(numpy.stack(result))

    return read


READERS = {
    "torchcodec, exact": lambda: torchcodec_reader("exact"),
    "torchcodec, approximate": lambda: torchcodec_reader("approximate"),
    "decord get_batch": decord_reader,
    "PyAV in order": lambda: pyav_reader(seeks=False),
    "PyAV, a seek for each": lambda: pyav_reader(seeks=True),
    "OpenCV, grab all": lambda: opencv_reader(seeks=False),
    "OpenCV, a seek for each": lambda: opencv_reader(seeks=True),
    "judge": judge,
}


def work(name):
    """A worker's life: a line of JSON a job on stdin, a line of JSON a result on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print
    try:
        import torch

        torch.set_num_threads(1)
        read = READERS[name]()
    except Exception as problem:  # told in the table
        print(json.dumps({"error": f"{type(problem).__name__}: {problem}".splitlines()[0]}), file=answers, flush=True)
        return
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            start = time.process_time()
            frames = read(job["file"], job["count"])
            answer = {"seconds": time.process_time() - start}
            if job["keep"]:
                Path(job["keep"]).write_bytes(frames.numpy().tobytes())
        except Exception as problem:
            answer = {"error": f"{type(problem).__name__}: {problem}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


class Worker:
    def __init__(self, python, name):
        self.name = name
        # torchcodec's wheel asks for a CUDA library that another wheel brings, and does not look for it there.
        cuda = ":".join(map(str, python.parent.parent.glob("lib/python*/site-packages/nvidia/*/lib")))
        words = [python, __file__, "--work", name]
        environment = {**os.environ, "LD_LIBRARY_PATH": cuda}
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.error = self.answer().get("error")

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "its process ended"}

    def read(self, file, count, keep=""):
        if self.error:
            return {"error": self.error}
        self.process.stdin.write(json.dumps({"file": str(file), "count": count, "keep": str(keep)}) + "\n")
        self.process.stdin.flush()
        return self.answer()


# --- the comparison --------------------------------------------------------------------------------------------------------


def run_glint(glint, target, count):
    words = [glint, "bench", "decode", target, "--frames", str(count), "--threads", "1", "--repeats", "1", "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, words))} failed; its words stand above")
    return json.loads(done.stdout)[0]


def right_frames(expected, actual):
    """How many frames are those decoded in order, within what LibTorch's resize differs from Pillow's."""
    import numpy

    if len(expected) != len(actual):
        return 0
    difference = numpy.abs(expected.astype(int) - actual.astype(int))
    return int((difference.reshape(len(difference), -1).mean(1) < 1).sum())


def load(path, count=None):
    import numpy

    return numpy.frombuffer(Path(path).read_bytes(), dtype=numpy.uint8).reshape(-1, 3 * SIZE * SIZE)


def check(workers, files, count, rows):
    """One pass that is not timed: warms all up, and says how many frames are right."""
    by_file = {entry["file"]: entry["sha256"] for entry in rows["glint"]["first"]["files"]}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for file in files:
            expected_file = Path(folder, "expected")
            if error := workers["judge"].read(file, count, expected_file).get("error"):
                fail(f"{file} cannot be read in order: {error}")
            expected = load(expected_file)
            is_same = hashlib.sha256(expected.tobytes()).hexdigest() == by_file[str(file)]
            for row in rows.values():
                row["frames"] += len(expected)
            rows["glint"]["right"] += len(expected) if is_same else 0
            for name, worker in workers.items():
                if name == "judge":
                    continue
                kept = Path(folder, "kept")
                if error := worker.read(file, count, kept).get("error"):
                    rows[name]["error"] = error
                else:
                    rows[name]["right"] += right_frames(expected, load(kept))


def compare(glint, workers, folder, count, repeats):
    files = sorted(path for path in folder.iterdir() if ".part" not in path.name)
    rows = {name: {"right": 0, "frames": 0, "passes": [], "error": None} for name in ["glint", *workers] if name != "judge"}
    rows["glint"]["first"] = run_glint(glint, folder, count)
    check(workers, files, count, rows)
    for _ in range(repeats):
        measured = run_glint(glint, folder, count)
        rows["glint"]["passes"].append(measured["cpu_seconds"])
        if measured["cpu_seconds"] == min(rows["glint"]["passes"]):
            rows["glint"]["overhead"] = measured["seconds"] / measured["stages"]["decode"]
        for name, row in rows.items():
            if name != "glint" and not row["error"]:
                row["passes"].append(sum(workers[name].read(file, count)["seconds"] for file in files))
    for row in rows.values():
        row["ms"] = 1e3 * min(row["passes"]) / len(files) if row["passes"] else None
    return rows


def cell(row):
    if row["error"]:
        return "fails"
    wrong = "" if row["right"] == row["frames"] else f" ({row['frames'] - row['right']} of {row['frames']} wrong)"
    return f"{row['ms']:,.1f}{wrong}"


def print_table(results):
    head = [f"{name}, {count}" for name, count, _ in results]
    print("| ms a video | " + " | ".join(head) + " |")
    print("|---|" + "---:|" * len(head))
    for name in results[0][2]:
        print(f"| {name} | " + " | ".join(cell(rows[name]) for _, _, rows in results) + " |")
    ours = [rows["glint"] for _, _, rows in results]
    # A reader whose frames are wrong is no rival.
    rivals = [[r["ms"] for n, r in rows.items() if n != "glint" and r["ms"] and r["right"] == r["frames"]] for _, _, rows in results]
    print("| best other reader : glint | " + " | ".join(f"**{min(r) / o['ms']:.2f}**" if r else "-" for o, r in zip(ours, rivals)) + " |")
    print("| glint : its decoding alone | " + " | ".join(f"{o['overhead']:.2f}" for o in ours) + " |")
    problems = {(name, row["error"]) for _, _, rows in results for name, row in rows.items() if row["error"]}
    for name, error in sorted(problems):
        print(f"\n{name} fails: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glint", type=Path, default=ROOT / "build/release/glint")
    parser.add_argument("--clips", type=Path, default=ROOT.parent / "shared/data/real_clips")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/glint/compare_readers")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(options.work)
    if not options.glint.exists():
        fail(f"{options.glint} is not there; build it with scripts/build")
    sources = [options.clips / name for name in SOURCES]
    if missing := [source for source in sources if not source.exists()]:
        fail(f"{missing[0]} is not there; --clips names the folder of the real clips")
    python = python_of(options.cache)
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])
    import imageio_ffmpeg

    sets = [entry for entry in SETS if options.only in entry[0]]
    folders = {entry[0]: make_clips(imageio_ffmpeg.get_ffmpeg_exe(), sources, options.cache, *entry) for entry in sets}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # all that is started from here on shares one core
    workers = {name: Worker(python, name) for name in READERS}
    results = []
    for name, *_ in sets:
        for count in COUNTS:
            say(f"compare_readers: {name}, {count} frames")
            results.append((name, count, compare(options.glint, workers, folders[name], count, options.repeats)))
    print_table(results)


if __name__ == "__main__":
    main()
