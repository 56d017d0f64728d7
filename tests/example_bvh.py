"""A small BVH file written by hand; line numbers in the tests refer to it."""

EXAMPLE = """HIERARCHY
ROOT hips
{
\tOFFSET 1.0 2.0 3.0
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT spine
\t{
\t\tOFFSET 0.0 10.0 0.5
\t\tCHANNELS 3 Yrotation Xrotation Zrotation
\t\tJOINT head
\t\t{
\t\t\tOFFSET 0.0 5.0 0.0
\t\t\tCHANNELS 4 Zrotation Yposition Xrotation Yrotation
\t\t\tEnd Site
\t\t\t{
\t\t\t\tOFFSET 0.0 2.5 0.0
\t\t\t}
\t\t}
\t}
\tJOINT left leg
\t{
\t\tOFFSET 4.0 -8.0 0.0
\t\tCHANNELS 1 Xrotation
\t\tJOINT toe
\t\t{
\t\t\tOFFSET 0.0 -7.0 2.0
\t\t\tCHANNELS 0
\t\t}
\t}
}
MOTION
Frames: 3
Frame Time: 0.0333333
10 20 30 15 25 35 5 10 15 40 5.5 50 60 70
11 21 31 -120 45 170 -5 88 -15 -40 6.0 -50 -60 -70
12 22 32 0 0 0 0 0 0 0 5.0 0 0 90
"""

ROW_2 = "11 21 31 -120 45 170 -5 88 -15 -40 6.0 -50 -60 -70"
