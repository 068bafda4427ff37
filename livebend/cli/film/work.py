"""The segments of one film: which is painted next, and whether what was painted may stay.

The limit of flashes hangs on all that was shown before. It goes through the segments in their
order, over the points of their frames, as soon as they are painted; a segment that it would have
changed is painted once more, from the limit's state at its beginning. So the film is the same as if
it had been painted in one go.
"""

from collections.abc import Iterator, Mapping

from livebend.cli.film.jobs import Job, Record
from livebend.cli.film.options import FilmOptions, as_text
from livebend.cli.film.plan import Plan
from livebend.cli.film.segment_files import SegmentFiles
from livebend.cli.film.segment_outputs import limited_in, read_state, save_state
from livebend.core.clock import OfflineClock
from livebend.core.errors import Refused
from livebend.core.notify import Notify
from livebend.outputs.film_sound import FilmSound
from livebend.outputs.strobe_limit import FlashLimit

TRIES = 3  # of a segment whose worker dies


class FilmWork:
    """What is left to paint of a film. For one thread at a time."""

    def __init__(
        self,
        options: FilmOptions,
        plan: Plan,
        notify: Notify,
        made_of: str = "",
        sound: FilmSound | None = None,
    ) -> None:
        """Take up what is finished.

        made_of: a digest of what the film is made of.
        sound: that it gets at the end.

        Raises: Refused, OSError.
        """
        self.options, self.plan, self.made_of, self.sound = options, plan, made_of, sound
        self.files = SegmentFiles(options.named, options.ending)
        self._text, self._notify = as_text(options), notify
        self._records = dict(self._found())
        self._taken = dict[int, int]()  # how often a segment was begun
        self._busy = set[int]()
        self._clock = OfflineClock(options.fps, 0.0)
        self._limit, self._followed = self._resumed()
        self._is_said = False
        self._follow()

    @property
    def frames_left(self) -> int:
        """Frames that are still to be painted, with those of pre-rolls."""
        left = (number for number in range(self._count) if number not in self._records)
        return sum(self.cost(number) for number in left)

    @property
    def frames_done(self) -> int:
        """Frames that are painted."""
        return sum(self.cost(number) for number in self._records)

    def cost(self, number: int) -> int:
        """Return how many pictures are painted for a segment."""
        return self.plan.segments[number].painted * self.options.blur

    @property
    def is_finished(self) -> bool:
        """Whether every segment is as it will be in the film."""
        return len(self._records) == self._count and self._followed == self._count

    @property
    def records(self) -> Mapping[int, Record]:
        """The records of finished segments, by their numbers."""
        return self._records

    def take(self) -> Job | None:
        """Return the next segment to paint; None while there is none."""
        for number in range(self._count):
            if number in self._records or number in self._busy:
                continue
            follows = self._follows(number)
            if follows is None:
                continue
            self._busy.add(number)
            self._taken[number] = self._taken.get(number, 0) + 1
            return Job(self._text, number, self.plan.segments[number], follows)
        return None

    def give(self, job: Job, record: Record) -> None:
        """Take a painted segment. Raises: Refused where it was made by something else than the
        others."""
        self._busy.discard(job.number)
        other = next(iter(self._records.values()), record)
        if other.note != record.note:
            self.files.unfinish(job.number)
            raise Refused(
                f"{self.files.folder}: segment {job.number} is made by {record.note}, others by"
                f" {other.note}; render with what they were made by, or give --anew"
            )
        self._records[job.number] = record
        self._follow()

    def give_back(self, job: Job, why: str) -> None:
        """Have a segment painted again whose worker was lost. Raises: Refused at the last try."""
        self._busy.discard(job.number)
        if self._taken[job.number] >= TRIES:
            raise Refused(f"segment {job.number} has failed {TRIES} times: {why}")

    @property
    def _count(self) -> int:
        return len(self.plan.segments)

    def _found(self) -> Iterator[tuple[int, Record]]:
        for number in range(self._count):
            record = self.files.record(number)
            has_last = not self.options.strobe_limit or self.files.last(number).is_file()
            if record is not None and has_last:
                yield number, record

    def _resumed(self) -> tuple[FlashLimit, int]:
        """The limit after the last segment that it went through, and how many those are."""
        if not self.options.strobe_limit:
            return FlashLimit(), self._count
        limit = FlashLimit()
        for number in range(self._count):
            if (found := read_state(self.files.state(number))) is None:
                return limit, number
            limit = found[0]
            self._judge(number, found[1])
        return limit, self._count

    def _follow(self) -> None:
        """Have the limit go through the segments that are painted, in their order."""
        while (number := self._followed) in self._records:
            segment, points = self.plan.segments[number], self.files.points(number)
            times = [self._clock.tick(at).time for at in range(segment.first, segment.until)]
            try:
                limited = limited_in(points, self._limit, times)
                save_state(self.files.state(number), self._limit, limited)
                points.unlink()
            except ValueError:  # points of another attempt
                self._again(number)
                return
            except OSError as why:
                raise Refused(f"{points}: {why.strerror}") from why
            self._followed += 1
            self._judge(number, limited)

    def _judge(self, number: int, limited: Mapping[str, float]) -> None:
        """Have a segment painted again where the limit wants something else."""
        if limited and not self._is_said:
            self._is_said = True
            self._notify("flashes are limited to three a second: output.strobe_limit")
        record = self._records.get(number)
        if record is not None and record.limited != limited:
            self._again(number)

    def _again(self, number: int) -> None:
        self._records.pop(number)
        self.files.unfinish(number)
        self._taken.pop(number, None)

    def _follows(self, number: int) -> bool | None:
        """Whether a segment can be painted as what was shown before it has it; None where it has to
        wait for the last picture of that."""
        if not self.options.strobe_limit:
            return False
        if number == 0 or (number - 1 in self._records and self._followed >= number):
            return True
        if self._followed <= number:
            return False
        found = read_state(self.files.state(number))
        return None if found is None or "0" in found[1] else True
