-- Schema of the VRU Validation Platform; run once, on an empty data directory.
BEGIN;

CREATE TABLE users (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL UNIQUE,
    full_name  text NOT NULL,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE projects (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id    bigint REFERENCES users (id) ON DELETE SET NULL,
    name        text NOT NULL CHECK (name <> ''),
    description text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE videos (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id       bigint NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    filename         text NOT NULL CHECK (filename <> ''),
    duration_seconds double precision NOT NULL DEFAULT 0 CHECK (duration_seconds >= 0),
    fps              double precision NOT NULL DEFAULT 30 CHECK (fps > 0),
    status           text NOT NULL DEFAULT 'uploaded'
                     CHECK (status IN ('uploaded', 'processing', 'validated', 'failed')),
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX videos_project ON videos (project_id);

-- Ground truth, drawn by people.
CREATE TABLE annotations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id   bigint NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    user_id    bigint REFERENCES users (id) ON DELETE SET NULL,
    vru_type   text NOT NULL,
    at_seconds double precision NOT NULL CHECK (at_seconds >= 0),
    box        jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX annotations_video ON annotations (video_id);

-- What a model saw.
CREATE TABLE detections (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id   bigint NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    vru_type   text NOT NULL,
    at_seconds double precision NOT NULL CHECK (at_seconds >= 0),
    confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    box        jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX detections_video ON detections (video_id);

-- One judgement of a model on a video against its annotations.
CREATE TABLE validation_results (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id         bigint NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    model            text NOT NULL,
    true_positives   integer NOT NULL DEFAULT 0,
    false_positives  integer NOT NULL DEFAULT 0,
    false_negatives  integer NOT NULL DEFAULT 0,
    passed           boolean NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX validation_results_video ON validation_results (video_id);

INSERT INTO users (email, full_name) VALUES ('operator@example.org', 'Operator');
INSERT INTO projects (owner_id, name, description) VALUES
    (1, 'Crossing at dusk', 'Pedestrians and cyclists at an unlit crossing, low sun behind them.'),
    (1, 'Bus lane', 'Scooters that overtake a stopped bus on the right.');
INSERT INTO videos (project_id, filename, duration_seconds, fps, status) VALUES
    (1, 'dusk-north-01.mp4', 94.5, 30, 'validated'),
    (1, 'dusk-north-02.mp4', 61.2, 30, 'processing'),
    (2, 'bus-lane-cam3.mp4', 182.0, 25, 'uploaded');
INSERT INTO detections (video_id, vru_type, at_seconds, confidence) VALUES
    (1, 'pedestrian', 3.20, 0.97), (1, 'cyclist', 11.84, 0.91), (1, 'pedestrian', 40.05, 0.62),
    (3, 'scooter', 75.40, 0.88);
INSERT INTO annotations (video_id, user_id, vru_type, at_seconds, box) VALUES
    (1, 1, 'pedestrian', 3.20, '{"x": 412, "y": 220, "w": 58, "h": 140}');
INSERT INTO validation_results (video_id, model, true_positives, false_negatives, passed) VALUES
    (1, 'baseline-1', 3, 0, true);

COMMIT;
