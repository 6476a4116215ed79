"""What was played: episodes on disk, the recorder that makes them, the data set that trains on them."""
